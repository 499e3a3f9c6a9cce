import { expect, it } from 'vitest';
import { Principal } from '../contract/principal.ts';
import { localPrincipal } from './local-principal.ts';

it('is the user of the operating system, with one persona', () => {
  const principal = localPrincipal('dba', 'ada');
  expect(principal).toEqual({ issuer: 'local', subject: 'ada', method: 'local', client: null, roles: ['dba'] });
  expect(Principal.parse(principal)).toEqual(principal);
});
