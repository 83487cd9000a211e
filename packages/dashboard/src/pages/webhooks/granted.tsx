import { Link } from '@tanstack/react-router';
import { useTenant } from '../../app/context.tsx';
import { form } from '../../strings/webhook-form.ts';
import classes from './detail.module.css';

const text = form.granted;

/** Why the webhook of a grant cannot be changed by itself, and where that is done. */
export function GrantedNote() {
  const tenant = useTenant();
  return (
    <p className={classes.note} role="status">
      <strong>{text.title}.</strong> {text.about}{' '}
      <Link to="/$tenant/apps" params={{ tenant }}>
        {text.apps}
      </Link>
    </p>
  );
}
