import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { common } from '../strings/common.ts';

export function Dialog(props: { title: string; onClose: () => void; children: ReactNode }) {
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      closeButtonProps={{ 'aria-label': common.close }}
    >
      {props.children}
    </Modal>
  );
}
