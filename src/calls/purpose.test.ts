import { describe, expect, it } from 'vitest';
import { PersonaSpec } from '../contract/persona.ts';
import { localPrincipal } from '../identity/local-principal.ts';
import { compilePersonas } from '../policy/compile.ts';
import { checkPurpose, readPurpose, takePurpose } from './purpose.ts';

const policy = compilePersonas({
  off: PersonaSpec.parse({ purpose: 'off' }),
  required: PersonaSpec.parse({ purpose: 'required' }),
});
function personaOf(name: string) {
  const persona = policy.personaFor(localPrincipal(name, 'ada'));
  if (!persona) throw new Error(`no persona ${name}`);
  return persona;
}

describe('the purpose of a call', () => {
  it('is taken out of the arguments, which are not changed', () => {
    const given = Object.freeze({ purpose: 'why', text: 'x' });
    expect(takePurpose(given, personaOf('dba'))).toEqual({ purpose: 'why', given: { text: 'x' } });
    expect(takePurpose(given, undefined)).toEqual({ purpose: 'why', given: { text: 'x' } });
  });

  it('stays an argument that no schema knows where the persona wants none', () => {
    expect(takePurpose({ purpose: 'why' }, personaOf('off'))).toEqual({
      purpose: undefined,
      given: { purpose: 'why' },
    });
  });

  it.each([[undefined], [null], [[{ purpose: 'why' }]], ['purpose'], [Object.create({ purpose: 'why' })]])(
    'is not looked for in %j',
    (given) => {
      expect(takePurpose(given, personaOf('required'))).toEqual({ purpose: undefined, given });
    },
  );

  it.each([[''], ['   '], ['x'.repeat(501)], ['a\0b'], ['a\nb'], [7], [['why']], [{}], [null], [true]])(
    'is refused when it is %j, and not kept',
    (purpose) => {
      expect(readPurpose(purpose)).toBeUndefined();
      expect(() => checkPurpose(takePurpose({ purpose }, undefined).purpose, personaOf('dba'))).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT' }),
      );
    },
  );

  it('is needed only by a persona that requires it', () => {
    expect(() => checkPurpose(undefined, personaOf('required'))).toThrow('The argument "purpose" is needed.');
    expect(() => checkPurpose('Ticket 7, caf\u00e9', personaOf('required'))).not.toThrow();
    expect(() => checkPurpose(undefined, personaOf('dba'))).not.toThrow();
  });
});
