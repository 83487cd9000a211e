import { Empty } from '../parts/faces.tsx';
import { shell } from '../strings/shell.ts';

export function NotFound() {
  return (
    <Empty icon="search" title={shell.notFound}>
      <p>{shell.notFoundText}</p>
    </Empty>
  );
}
