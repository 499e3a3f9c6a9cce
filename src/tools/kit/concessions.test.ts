import { expect, it } from 'vitest';
import { PlatformError } from '../../core/errors.ts';
import { concede, NOTHING_CONCEDED } from './concessions.ts';

const failure = (sqlstate: string) => new PlatformError('QUERY_FAILED', 'refused', { details: { sqlstate } });

it.each([
  ['55P03', { ...NOTHING_CONCEDED, estimate_sizes: true }],
  ['22021', { ...NOTHING_CONCEDED, read_texts: false }],
  ['22P05', { ...NOTHING_CONCEDED, read_texts: false }],
  ['42501', undefined],
])('does with less after %s', (sqlstate, expected) => {
  expect(concede(failure(sqlstate), NOTHING_CONCEDED, () => true)).toEqual(expected);
});

it('concedes nothing twice, and nothing that the statement does not know', () => {
  const sizes = concede(failure('55P03'), NOTHING_CONCEDED, () => true) ?? NOTHING_CONCEDED;
  expect(concede(failure('55P03'), sizes, () => true)).toBeUndefined();
  expect(concede(failure('22021'), sizes, () => true)).toMatchObject({ estimate_sizes: true, read_texts: false });
  expect(concede(failure('22021'), NOTHING_CONCEDED, (name) => name !== 'read_texts')).toBeUndefined();
});
