import { expect, it } from 'vitest';
import { configJsonSchema, configKeys } from './key.ts';

it('describes every key that is declared here', () => {
  const silent = configKeys().filter(({ description }) => description === '');
  expect(silent.filter(({ path }) => !path.startsWith('personas.<name>.'))).toEqual([]);
});

it('tells type and default of a key', () => {
  const keys = new Map(configKeys().map(({ path, ...key }) => [path, key]));
  expect(keys.get('servers.<name>.connections')).toEqual({
    type: 'whole number',
    default: '4',
    description: 'Connections that may be open to the server at once.',
  });
  expect(keys.get('servers.<name>.pooling')).toMatchObject({ type: 'session | transaction', default: '"session"' });
  expect(keys.get('servers.<name>.password')).toMatchObject({ type: 'text or mapping', default: undefined });
  expect(keys.get('servers.<name>.password.command')).toMatchObject({ type: 'list of text' });
  expect(keys.get('personas.<name>.servers')).toMatchObject({ type: 'mapping', default: '{"allow":["*"]}' });
});

it('has a JSON Schema that refuses unknown keys', () => {
  expect(configJsonSchema()).toMatchObject({ type: 'object', additionalProperties: false });
});
