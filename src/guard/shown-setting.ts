import { namesSecret } from '../sqltext/secret-settings.ts';
import { refuse } from './rules.ts';
import type { Refusal } from './verdict.ts';

/** Why the value of a setting must not be shown; `how` is what would show it. */
export function refuseSetting(name: string, how: string, at?: number): Refusal | undefined {
  const lower = name.toLowerCase();
  if (lower === 'all') {
    return refuse(
      'statement/setting',
      `${how} ALL shows settings that may hold secrets.`,
      at,
      'Show settings one by one.',
    );
  }
  // the key that masks hash with is a setting of the session
  if (lower.startsWith('howdah.') || namesSecret(lower)) {
    return refuse('statement/setting', `${how} would show the setting ${lower}, which may hold a secret.`, at);
  }
  return undefined;
}
