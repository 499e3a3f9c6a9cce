import { SERVICES, type ManagedService } from '../../postgres/managed-service.ts';
import { comment } from './quoting.ts';

interface Change {
  /** Of a setting that PostgreSQL itself knows. */
  readonly name: string;
  /** As ALTER SYSTEM takes it: quoted where it has to be. */
  readonly value: string;
  /** It comes into force with a restart only. */
  readonly restart?: boolean;
  /** What to know before. */
  readonly note?: string;
}

/** How to change settings of a server, as a next step: what a managed service forbids is not advised there. */
export function changeSettings(service: ManagedService | null, changes: readonly Change[]): string {
  const restart = changes.some((change) => change.restart === true);
  if (service !== null) {
    const { name, setting } = SERVICES[service];
    return [
      comment(`${name} has no ALTER SYSTEM: set it ${setting}${restart ? ', which takes a restart' : ''}`),
      ...changes.map((change) => comment(`${change.name} = ${change.value}${noteOf(change)}`)),
    ].join('\n');
  }
  return [
    ...changes.map((change) => `ALTER SYSTEM SET ${change.name} = ${change.value};${commentOf(change)}`),
    restart ? '-- comes into force with a restart' : 'SELECT pg_reload_conf();',
  ].join('\n');
}

function noteOf({ note }: Change): string {
  return note === undefined ? '' : `; ${note}`;
}

function commentOf({ note }: Change): string {
  return note === undefined ? '' : ` ${comment(note)}`;
}
