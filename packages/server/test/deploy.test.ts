import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

/** Images and charts are not built here: their files are read, and held to what can be told by that. */

const root = new URL('../../../deploy/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

test('the image is built in stages, runs as nobody special, and says how it is', () => {
  const lines = read('Dockerfile').split('\n');
  const stages = lines.filter((line) => line.startsWith('FROM '));
  expect(stages).toHaveLength(2);
  for (const stage of stages) expect(stage).toMatch(/^FROM node:24-bookworm-slim( AS \w+)?$/);
  const last = lines.slice(lines.lastIndexOf(stages[1] ?? ''));
  const instructions = last.map((line) => line.split(' ')[0]);
  for (const needed of ['USER', 'HEALTHCHECK', 'ENTRYPOINT', 'VOLUME', 'EXPOSE']) {
    expect(instructions).toContain(needed);
  }
  expect(last.find((line) => line.startsWith('USER'))).toBe('USER node');
  for (const [, json = ''] of read('Dockerfile').matchAll(/^(?:ENTRYPOINT|CMD) (\[.*\])$/gm)) {
    expect(JSON.parse(json)).toBeInstanceOf(Array);
  }
});

test('the compose file has a database and three nodes that can write nowhere but in memory', () => {
  const { services } = parse(read('compose.yaml'));
  expect(services.node).toMatchObject({
    deploy: { replicas: 3 },
    read_only: true,
    cap_drop: ['ALL'],
    depends_on: { postgres: { condition: 'service_healthy' } },
  });
  expect(Object.keys(services.node.environment)).toEqual([
    'DATABASE_URL',
    'POSTHORN_MASTER_KEY',
    'POSTHORN_ADMIN_KEY',
  ]);
});

test('the chart uses only values that it has', () => {
  const chart = parse(read('helm/posthorn/Chart.yaml'));
  expect(chart).toMatchObject({ apiVersion: 'v2', name: 'posthorn' });
  const values = parse(read('helm/posthorn/values.yaml'));
  const templates = readdirSync(new URL('helm/posthorn/templates/', root));
  for (const name of templates) {
    const template = read(`helm/posthorn/templates/${name}`);
    for (const [, path = ''] of template.matchAll(/\.Values\.([A-Za-z.]+)/g)) {
      const found = path.split('.').reduce((at, key) => at?.[key], values);
      expect([name, path, found === undefined]).toEqual([name, path, false]);
    }
    // What is left without the template language must be YAML.
    const plain = template
      .replaceAll(/^\s*\{\{-? ?(?:if|with|range|end)[^\n]*$/gm, '')
      .replaceAll(/\{\{[^}]*\}\}/g, 'x');
    for (const document of parseAllDocuments(plain))
      expect([name, document.errors]).toEqual([name, []]);
  }
});

test('the unit starts the product with secrets that are files, and no rights', () => {
  const lines = read('posthorn.service').split('\n');
  for (const line of lines) expect(line).toMatch(/^(?:#.*|\[\w+\]|[A-Za-z]+=.*|)$/);
  expect(lines).toEqual(
    expect.arrayContaining(['DynamicUser=yes', 'ProtectSystem=strict', 'StateDirectory=posthorn']),
  );
});

test('every metric on the dashboard is one that the product has', () => {
  const { panels } = JSON.parse(read('grafana/posthorn.json'));
  const source = new URL('../src/', import.meta.url);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  const code = files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(fileURLToPath(new URL(file, source)), 'utf8'))
    .join('');
  const wanted = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:posthorn|process)_[a-z_]+/g) ?? []),
  );
  expect(wanted.length).toBeGreaterThan(10);
  for (const metric of wanted) expect(code).toContain(`'${metric.replace(/_bucket$/, '')}'`);
});
