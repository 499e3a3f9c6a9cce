/** The closed table of errors and its documentation, both ways. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ErrorCode } from '../src/contract/error-code.ts';

it('documents every error code and no other', () => {
  const page = readFileSync(new URL('../docs/reference/errors.md', import.meta.url), 'utf8');
  expect([...page.matchAll(/^## (\w+)$/gm)].map(([, code]) => code)).toEqual(ErrorCode.options);
});
