import { expect, it } from 'vitest';
import { catalog } from '../../test/mcp-session.ts';
import { createRouter } from './route.ts';

const route = createRouter(catalog);

it.each([
  [
    'pg://a/b/c/d',
    { name: 'resources/read/table', arguments: { server: 'a', database: 'b', schema: 'c', table: 'd' } },
  ],
  ['howdah://tools/activity', { name: 'resources/read/tool', arguments: { name: 'activity' } }],
  ['pg://a/b/c', { name: 'resources/read', arguments: { uri: 'pg://a/b/c' } }],
  [7, { name: 'resources/read', arguments: { uri: 7 } }],
])('reads %j by the kind of resource that it is', (uri, expected) => {
  expect(route('resources/read', { uri })).toMatchObject(expected);
});

it.each([
  ['server', { name: 'completion/complete', arguments: { variable: 'server', prefix: 's' } }],
  ['nothing', { name: 'completion/complete', arguments: { variable: 'nothing', prefix: 's' } }],
  [
    'table',
    { name: 'completion/complete/database', arguments: { variable: 'table', prefix: 's', server: 'a', schema: 'c' } },
  ],
  ['database', { name: 'completion/complete/database', arguments: { variable: 'database', prefix: 's', server: 'a' } }],
])('completes %s where its values are, with what was chosen before', (name, expected) => {
  const chosen = { server: 'a', database: '', schema: 'c', other: 'x' };
  const params = { argument: { name, value: 's' }, context: { arguments: chosen } };
  expect(route('completion/complete', params)).toEqual(expected);
});

it.each([
  'resources/read/table',
  'completion/complete/database',
  'tools/call',
  'echo',
  'audit_tail',
  'constructor',
  '',
])('knows no method %j', (method) => {
  expect(route(method, {})).toBeUndefined();
});
