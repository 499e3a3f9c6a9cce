import { expect, it } from 'vitest';
import { ErrorCode } from '../contract/error-code.ts';
import { ERROR_CODES, PlatformError, toPlatformError } from './errors.ts';

it('has an entry for every code', () => {
  expect(Object.keys(ERROR_CODES)).toEqual(ErrorCode.options);
});

it('keeps the cause from the caller', () => {
  const error = new PlatformError('QUERY_FAILED', 'no', {
    hint: 'try',
    details: { sqlstate: '42P01' },
    cause: new Error('inner'),
  });
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'QUERY_FAILED',
    message: 'no',
    hint: 'try',
    details: { sqlstate: '42P01' },
  });
});

it('hides what is not ours behind INTERNAL', () => {
  const inner = new TypeError('cannot read x of undefined');
  const error = toPlatformError(inner);
  expect(error.code).toBe('INTERNAL');
  expect(JSON.stringify(error)).not.toContain('undefined');
  expect(error.cause).toBe(inner);
});
