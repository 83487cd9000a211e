// Judges the Worker by its answers. The keys are the published ones of the specification.
import { schemes } from '@posthorn/wire';
import { conformance, createTestKit } from '@posthorn/wire/testkit';

const [, , url] = process.argv;
for (let i = 0; i < 100; i += 1) {
  const up = await fetch(url, { method: 'POST' }).then(
    () => true,
    () => false,
  );
  if (up) break;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const suite = conformance({ url, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
const failures = await suite.run();
const secret =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
const event = createTestKit({ scheme: schemes.standard(), secret }).event('a', 1);
const answers = [await event.send(`${url}v1a`), await event.tampered().send(`${url}v1a`)];
const statuses = answers.map(({ status }) => status).join();
if (statuses !== '200,401') failures.push({ name: 'v1a', error: new Error(statuses) });
for (const { name, error } of failures) console.error(`${name}: ${error.message}`);
console.log(`${suite.cases.length + 1 - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
