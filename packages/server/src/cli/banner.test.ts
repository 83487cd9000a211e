import { expect, test } from 'vitest';
import { type BannerInput, banner } from './banner.ts';

const INPUT: BannerInput = {
  url: 'http://127.0.0.1:4400',
  data: '/tmp/.posthorn',
  adminKey: { text: 'phk_example', file: undefined },
  dashboard: 'http://127.0.0.1:4400/dashboard/#phl_x',
  mode: 'dev',
  colors: false,
};

test('dev shows the URL, the dashboard, the key, the directory and two commands to copy', () => {
  const text = banner(INPUT);
  expect(text).toContain('Dashboard  http://127.0.0.1:4400/dashboard/#phl_x');
  expect(text).toContain('Admin key  phk_example');
  expect(text).toContain('/tmp/.posthorn');
  expect(text).toContain('curl http://127.0.0.1:4400/api/v1/tenants/default/endpoints');
  expect(text).toContain('curl http://127.0.0.1:4400/api/v1/tenants/default/events');
});

test('the commands read a key that only a file holds', () => {
  const text = banner({ ...INPUT, adminKey: { text: undefined, file: '/x/admin-key' } });
  expect(text).toContain(`Bearer $(cat '/x/admin-key')`);
});

test('serve shows no commands', () => {
  expect(banner({ ...INPUT, mode: 'serve' })).not.toContain('curl');
});
