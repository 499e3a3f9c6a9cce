import type { WaitProfile } from './wait-profile.ts';
import type { WaitSample } from './wait-sample.ts';

const CLIENTS: ReadonlySet<string> = new Set(['client backend', 'parallel worker']);

type Event = Pick<WaitSample, 'wait_event_type' | 'wait_event'>;

type Statement = Pick<WaitSample, 'query_id' | 'database' | 'statement'>;

/** How often each event was seen of something. */
interface Tally<About> {
  readonly about: About;
  readonly events: Map<string, number>;
  sessions: number;
}

/** Adds up samples; statements are to be masked before. */
export class WaitTally {
  readonly #events = new Map<string, Tally<Event>>();
  readonly #databases = new Map<string, Tally<Pick<WaitSample, 'database'>>>();
  readonly #statements = new Map<string, Tally<Statement>>();
  readonly #background = new Map<string, Tally<Event & Pick<WaitSample, 'backend_type'>>>();
  /** Of statements, by their ids. */
  readonly #texts = new Map<string, string>();
  #samples = 0;
  #active = 0;
  #mostActive = 0;
  #idleInTransaction = 0;

  get samples(): number {
    return this.#samples;
  }

  add(rows: readonly WaitSample[]): void {
    this.#samples++;
    let active = 0;
    for (const row of rows) {
      if (row.idle_in_transaction === true) this.#idleInTransaction += row.sessions;
      else if (CLIENTS.has(row.backend_type)) {
        active += row.sessions;
        this.#addActive(row);
      } else this.#addBackground(row);
    }
    this.#active += active;
    this.#mostActive = Math.max(this.#mostActive, active);
  }

  /** Of each list the first `limit`. */
  profile(limit: number): WaitProfile {
    const average = (sessions: number) => Math.round((1000 * sessions) / Math.max(1, this.#samples)) / 1000;
    const share = ({ sessions, events }: Tally<unknown>) => ({
      average: average(sessions),
      percent: this.#active === 0 ? null : Math.round((10_000 * sessions) / this.#active) / 100,
      mostly: mostSeen(events),
    });
    const first = <About>(tallies: Map<string, Tally<About>>) =>
      [...tallies.values()].toSorted((a, b) => b.sessions - a.sessions).slice(0, limit);
    return {
      average_active: average(this.#active),
      most_active: this.#mostActive,
      average_idle_in_transaction: average(this.#idleInTransaction),
      rows: first(this.#events).map((tally) => {
        const { mostly: _itself, ...shown } = share(tally);
        return { ...tally.about, ...shown };
      }),
      truncated: this.#events.size > limit,
      databases: first(this.#databases).map((tally) => ({ ...tally.about, ...share(tally) })),
      statements: first(this.#statementTallies()).map(({ about, ...tally }) => {
        const { statement, ...named } = about;
        return { ...named, ...share({ about, ...tally }), statement };
      }),
      background: first(this.#background).map(({ about, sessions }) => ({ ...about, average: average(sessions) })),
    };
  }

  /** A statement that waits before it is analysed, as for the lock of a table, has no id yet. */
  #statementTallies(): Map<string, Tally<Statement>> {
    const named = new Map<string, Tally<Statement>>();
    const tallies = [...this.#statements.values()].toSorted(
      (a, b) => Number(!a.about.query_id) - Number(!b.about.query_id),
    );
    const byText = new Map<string, string>();
    for (const { about, events } of tallies) {
      const { query_id, database } = about;
      const statement = this.#texts.get(query_id ?? '') ?? about.statement;
      const text = JSON.stringify([database, statement]);
      const key = JSON.stringify([database, query_id ?? byText.get(text) ?? statement]);
      if (query_id !== null) byText.set(text, query_id);
      for (const [event, sessions] of events)
        countEvent(named, key, { query_id, database, statement }, { event, sessions });
    }
    return named;
  }

  #addActive(row: WaitSample): void {
    const { wait_event_type, wait_event, database, query_id, statement } = row;
    count(this.#events, [keyOf(row)], { wait_event_type, wait_event }, row);
    count(this.#databases, [database], { database }, row);
    if (query_id !== null && statement !== null) this.#texts.set(query_id, statement);
    if (query_id === null && statement === null) return;
    count(this.#statements, [database, query_id ?? statement], { query_id, database, statement }, row);
  }

  #addBackground(row: WaitSample): void {
    const { backend_type, wait_event_type, wait_event } = row;
    count(this.#background, [backend_type, keyOf(row)], { backend_type, wait_event_type, wait_event }, row);
  }
}

function count<About>(
  tallies: Map<string, Tally<About>>,
  key: readonly (string | null)[],
  about: About,
  row: Event & Pick<WaitSample, 'sessions'>,
): void {
  countEvent(tallies, JSON.stringify(key), about, { event: keyOf(row), sessions: row.sessions });
}

function countEvent<About>(
  tallies: Map<string, Tally<About>>,
  key: string,
  about: About,
  { event, sessions }: { readonly event: string; readonly sessions: number },
): void {
  const tally = tallies.get(key) ?? { about, events: new Map<string, number>(), sessions: 0 };
  tallies.set(key, tally);
  tally.sessions += sessions;
  tally.events.set(event, (tally.events.get(event) ?? 0) + sessions);
}

function keyOf({ wait_event_type, wait_event }: Event): string {
  return wait_event_type === null ? 'running' : `${wait_event_type}:${wait_event ?? ''}`;
}

function mostSeen(events: ReadonlyMap<string, number>): string {
  const [[event] = ['']] = [...events].toSorted(([, a], [, b]) => b - a);
  return event;
}
