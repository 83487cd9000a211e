import { expect, test, vi } from 'vitest';
import { Reach } from './reach.ts';

test('a server that is gone is asked until it answers, and no more once nobody watches', async () => {
  vi.useFakeTimers();
  try {
    const answers: ((answered: boolean) => void)[] = [];
    const reach = new Reach({ probe: () => new Promise((answer) => answers.push(answer)) });
    const back = vi.fn();
    reach.onBack(back);
    const stop = reach.watch();
    reach.heard(false);
    await vi.advanceTimersByTimeAsync(250);
    answers[0]?.(false);
    await vi.advanceTimersByTimeAsync(500);
    expect(answers).toHaveLength(2);
    expect(back).not.toHaveBeenCalled();
    answers[1]?.(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(back).toHaveBeenCalledOnce();
    reach.heard(false);
    await vi.advanceTimersByTimeAsync(250);
    expect(answers).toHaveLength(3);
    // While it is being asked.
    stop();
    answers[2]?.(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(answers).toHaveLength(3);
  } finally {
    vi.useRealTimers();
  }
});
