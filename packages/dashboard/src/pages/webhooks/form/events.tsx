import { SegmentedControl, TagsInput } from '@mantine/core';
import { mistakeOf } from '../../../data/mistakes.ts';
import { form } from '../../../strings/webhook-form.ts';
import { EventPicker } from './event-picker.tsx';
import { EventFilter } from './filter.tsx';
import type { Part } from './part.ts';

const text = form.events;

export function Events({ draft, set, mistakes }: Part) {
  return (
    <>
      <SegmentedControl
        aria-label={text.which}
        data={[
          { value: 'all', label: text.all },
          { value: 'some', label: text.some },
        ]}
        value={draft.allEvents ? 'all' : 'some'}
        onChange={(value) => set({ allEvents: value === 'all' })}
      />
      {!draft.allEvents && (
        <EventPicker
          value={draft.eventTypes}
          error={mistakeOf(mistakes, 'eventTypes')}
          onChange={(eventTypes) => set({ eventTypes })}
        />
      )}
      <TagsInput
        label={text.channels}
        description={text.channelsAbout}
        splitChars={[',']}
        acceptValueOnBlur
        value={[...draft.channels]}
        error={mistakeOf(mistakes, 'channels')}
        onChange={(channels) => set({ channels })}
      />
      <EventFilter draft={draft} set={set} mistakes={mistakes} />
    </>
  );
}
