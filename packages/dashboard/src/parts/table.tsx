import type { ReactNode } from 'react';
import classes from './table.module.css';

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ReactNode;
  /** Left out where there is little room. */
  readonly wide?: boolean;
  readonly align?: 'end';
}

/** A list that is short enough to be there whole. */
export function Table<T>(props: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
}) {
  const { label, columns, rows, keyOf } = props;
  return (
    <div className={classes.pane}>
      <table className={classes.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ head, wide, align }) => (
              <th key={head} scope="col" data-wide={wide} data-align={align}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ head, cell, wide, align }) => (
                <td key={head} data-wide={wide} data-align={align}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
