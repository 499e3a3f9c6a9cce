import { expect, it } from 'vitest';
import { Principal } from '../contract/principal.ts';
import { anonymousPrincipal } from './anonymous-principal.ts';

it('is one caller with one persona', () => {
  const principal = anonymousPrincipal('viewer');
  expect(principal).toMatchObject({ method: 'anonymous', client: null, roles: ['viewer'] });
  expect(Principal.parse(principal)).toEqual(principal);
});
