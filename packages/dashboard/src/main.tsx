import './app/mantine.css';
import './app/base.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { readPlace } from './app/place.ts';
import { Session } from './app/session.ts';
import { installTrustedTypes } from './app/trusted-types.ts';

installTrustedTypes();
const place = readPlace();
// Read by the library that locks scrolling behind dialogs, for the style it adds.
Object.assign(globalThis, { __webpack_nonce__: place.nonce });

const session = new Session(place);
const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');
createRoot(root).render(<App place={place} session={session} />);
await session.start();
