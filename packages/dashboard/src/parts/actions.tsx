import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useToast } from '../app/toasts.tsx';
import { messageOf } from './faces.tsx';

export interface ActionOptions<Input, Result> {
  readonly run: (input: Input) => Promise<Result>;
  /** Said when it is done. */
  readonly done?: (result: Result) => string;
  /** What it changes: queries whose keys begin like one of these are read again. */
  readonly touches?: readonly (readonly unknown[])[];
  readonly after?: (result: Result) => void;
}

/** Something a person does to the server: once at a time, its failure said. */
export function useAction<Input, Result>(options: ActionOptions<Input, Result>) {
  const toast = useToast();
  const client = useQueryClient();
  return useMutation({
    mutationFn: options.run,
    async onSuccess(result) {
      const touched = options.touches ?? [];
      await Promise.all(touched.map((queryKey) => client.invalidateQueries({ queryKey })));
      const text = options.done?.(result);
      if (text !== undefined) toast({ text });
      options.after?.(result);
    },
    onError: (error) => toast({ text: messageOf(error), kind: 'failed' }),
  });
}
