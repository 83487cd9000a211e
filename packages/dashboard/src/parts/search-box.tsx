import { TextInput } from '@mantine/core';
import { type FormEvent, useRef, useState } from 'react';
import { useShortcut } from '../app/shortcuts.tsx';
import { keys } from '../strings/keys.ts';
import { Icon } from './icon.tsx';
import classes from './search-box.module.css';

export interface SearchBoxProps {
  readonly label: string;
  readonly placeholder: string;
  readonly maxLength: number;
  /** What is searched for now; '' = nothing. */
  readonly value: string;
  readonly onSearch: (text: string) => void;
}

/** Searches whole words, so it waits for Enter; emptied, it shows everything again at once. */
export function SearchBox({ label, placeholder, maxLength, value, onSearch }: SearchBoxProps) {
  const [text, setText] = useState(value);
  const [seen, setSeen] = useState(value);
  // The address may change by itself: back, or a link.
  if (seen !== value) {
    setSeen(value);
    setText(value);
  }
  const input = useRef<HTMLInputElement>(null);
  const focus = () => input.current?.focus();
  useShortcut({ keys: '/', label: keys.search, group: keys.lists, run: focus });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // The keys go to what is found.
    input.current?.blur();
    onSearch(text.trim());
  };
  return (
    <form className={classes.search} onSubmit={submit}>
      <TextInput
        ref={input}
        type="search"
        aria-label={label}
        placeholder={placeholder}
        maxLength={maxLength}
        leftSection={<Icon name="search" size={14} />}
        value={text}
        onChange={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          if (typed === '' && value !== '') onSearch('');
        }}
      />
    </form>
  );
}
