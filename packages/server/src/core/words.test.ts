import { expect, test } from 'vitest';
import { addJsonWords, addWords, parseSearch } from './words.ts';

function words(text: string): string[] {
  const found = new Set<string>();
  addWords(found, text);
  return [...found];
}

function jsonWords(value: unknown): string[] {
  const found = new Set<string>();
  addJsonWords(found, typeof value === 'string' ? value : JSON.stringify(value));
  return [...found];
}

test.each([
  ['Alice <alice@example.com>', ['alice', 'example', 'com']],
  ['usr_01H-77/x.y', ['usr', '01h', '77', 'x', 'y']],
  ['ÉCOLE école ﬁn', ['école', 'fin']],
  ['Straße ΑΘΗΝΑ', ['straße', 'αθηνα']],
  ['東京 tokyo都', ['東', '京', 'tokyo', '都']],
  ['한국 word', ['한국', 'word']],
  ['a\u0301b', ['áb']],
  ['💥 𝒳y', ['💥', 'xy']],
  ['', []],
  ['... --- ***', []],
])('%s has the words %j', (text, expected) => {
  expect(words(text).sort()).toEqual([...expected].sort());
});

test('the words of JSON are those of its values, also of nested and escaped ones', () => {
  expect(
    jsonWords({ name: 'Ann "B" C', nested: { list: ['x1', { deep: 'caf\u00e9' }] }, n: -12.5 }),
  ).toEqual(['ann', 'b', 'c', 'x1', 'café', '12', '5']);
  expect(jsonWords('{"a" : "k\\u00e9y\\nline\\\\end\\/", "b":true,"c":null}')).toEqual([
    'kéy',
    'line',
    'end',
  ]);
  expect(jsonWords('"plain"')).toEqual(['plain']);
  expect(jsonWords('42')).toEqual(['42']);
});

test('what is no JSON is read as far as it goes', () => {
  expect(jsonWords('{"a":"open')).toEqual(['open']);
  expect(jsonWords('"a\\')).toEqual(['a']);
});

test('a document has a bounded number of words, and each a bounded length', () => {
  expect(words(Array.from({ length: 5000 }, (_, i) => `w${i}`).join(' '))).toHaveLength(400);
  expect(words('x'.repeat(1000))).toEqual(['x'.repeat(40)]);
});

test('a search is words that all occur, and beginnings of words', () => {
  expect(parseSearch('  Alice  exam* a.b*')).toEqual(
    'b*: write at least 3 characters before the asterisk',
  );
  expect(parseSearch('Alice exam*')).toEqual({ words: ['alice'], prefixes: ['exam'] });
  expect(parseSearch('ann@example.co*')).toEqual(
    'co*: write at least 3 characters before the asterisk',
  );
  expect(parseSearch('ann@example.com*')).toEqual({ words: ['ann', 'example'], prefixes: ['com'] });
  expect(parseSearch(' ?! ')).toEqual('has no word to look for');
  expect(parseSearch('a b c d e f g h i')).toEqual('has more than 8 words');
});
