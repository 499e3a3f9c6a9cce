import type { Principal } from '../contract/principal.ts';
import type { OperationFacts, Policy } from './policy.ts';

/** What to tell of a principal that has a persona and may call none of the tools; `subject` begins the sentence. */
export function describeIdlePersona(
  subject: string,
  principal: Principal,
  policy: Policy,
  tools: readonly OperationFacts[],
): string | undefined {
  const persona = policy.personaFor(principal);
  if (persona === undefined || tools.some((tool) => persona.operation(tool).allowed)) return undefined;
  const rules = principal.narrowing === undefined ? '' : ' within what the credential leaves of it';
  return `${subject} may call no tool: the persona \`${persona.name}\` allows none of those that are served${rules}.`;
}
