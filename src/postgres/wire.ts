import { createHash } from 'node:crypto';
import type { DatabaseError } from 'pg';
import { PlatformError } from '../core/errors.ts';
import type { Authenticated, CancelKey, ServerMessages } from './authenticate.ts';
import type { Field, Result } from './database.ts';
import type { Endpoint } from './dial.ts';
import { connectionLost } from './errors.ts';
import { FrontendMessages, TERMINATE } from './frontend-messages.ts';

/** One statement of an exchange. */
export interface Step {
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** OIDs of the types of the values; left to the server without. */
  readonly types?: readonly number[];
}

/** What the rows of an exchange may be, where it is less than what the connection allows. */
export interface RowLimits {
  /** A row that is announced with more is not read, and the connection dropped. */
  readonly rowBytes: number;
  /** Of all rows; those behind are not kept. */
  readonly bytes: number;
  /** Called when there are more, once: the server still sends. The exchange then resolves, with what was kept as its last result. */
  readonly onCut: () => void;
}

export interface WireOptions {
  readonly endpoint: Endpoint;
  /** Statements are prepared once and kept by name; not behind a pooler that gives each transaction another session. */
  readonly named: boolean;
  /** What the rows of one exchange may take in memory, estimated. */
  readonly maxResultBytes: number;
}

/** I: idle, T: in a transaction, E: in a failed one. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** How many statements a connection keeps by name; the texts of our own tools are fewer. */
const MAX_NAMED = 500;
/** The number of parameters is sent in two bytes. */
const MAX_VALUES = 65_535;
/** What a row and each of its values cost in memory beside their text, about. */
const ROW_BYTES = 32;
const VALUE_BYTES = 24;

const frontend = new FrontendMessages();

/**
 * A session with a server, spoken to in exchanges: several statements and one Sync, written at once, so that they cost
 * one round trip and the failure of one keeps those behind it from being run. Exchanges may overlap; they are answered
 * in order. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class Wire {
  readonly endpoint: Endpoint;
  readonly key: CancelKey;
  /** Resolves when the connection has gone, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #messages: ServerMessages;
  readonly #named: boolean;
  readonly #maxResultBytes: number;
  readonly #statements = new Map<string, NamedStatement>();
  readonly #exchanges: Exchange[] = [];
  #status: TransactionStatus = 'I';
  #failure: unknown;
  #hear: (channel: string, payload: string) => void = () => undefined;

  constructor({ messages, key }: Authenticated, { endpoint, named, maxResultBytes }: WireOptions) {
    this.endpoint = endpoint;
    this.key = key;
    this.#messages = messages;
    this.#named = named;
    this.#maxResultBytes = maxResultBytes;
    this.ended = new Promise((resolve) => {
      messages.on('end', () => {
        this.#fail(this.#failure ?? connectionLost(endpoint));
        resolve();
      });
    });
    this.#listen(messages);
  }

  /** What NOTIFY sends on the channels that this session listens to; to be set once. */
  onNotification(hear: (channel: string, payload: string) => void): void {
    this.#hear = hear;
  }

  /** As of the last exchange that was answered. */
  get status(): TransactionStatus {
    return this.#status;
  }

  get closed(): boolean {
    return this.#failure !== undefined || this.#messages.stream.destroyed;
  }

  /**
   * Resolves with a result for each step. Rejects with the server's own DatabaseError once the server is ready again,
   * or with a PlatformError when the connection has gone.
   */
  exchange(steps: readonly Step[], limits?: RowLimits): Promise<Result[]> {
    if (this.closed) return Promise.reject(this.#failure ?? connectionLost(this.endpoint));
    const unsendable = steps.find(({ text, values }) => text.includes('\0') || values.length > MAX_VALUES);
    if (unsendable) return Promise.reject(new Error('a statement holds NUL, or has too many parameters'));
    let sent: SentStep[];
    try {
      sent = steps.map((step) => this.#write(step));
      frontend.sync();
    } catch (error) {
      frontend.take(); // half a message, of more than memory can hold
      this.destroy(error);
      return Promise.reject(error);
    }
    return this.#send(sent, limits);
  }

  /**
   * Runs one command by the simple protocol, for what speaks no other, such as the console of PgBouncer. Nobody but us
   * may have written the text: it could hold several commands.
   */
  command(text: string): Promise<Result> {
    if (this.closed) return Promise.reject(this.#failure ?? connectionLost(this.endpoint));
    frontend.query(text);
    const step = { statement: undefined, parsed: false, fields: [] };
    return this.#send([step]).then(([result]) => result ?? { fields: [], rows: [], command: '' });
  }

  /** Drops the connection at once; what is in flight fails with `reason`. The server may still work on it. */
  destroy(reason: unknown = connectionLost(this.endpoint)): void {
    this.#fail(reason);
    this.#messages.stream.destroy();
  }

  /** Says goodbye; resolves when the server has closed the connection, or after a second without that. */
  async end(): Promise<void> {
    if (!this.closed) this.#messages.stream.end(TERMINATE);
    this.#failure ??= connectionLost(this.endpoint);
    const timer = setTimeout(() => this.destroy(), 1000).unref();
    await this.ended;
    clearTimeout(timer);
  }

  #send(steps: readonly SentStep[], limits?: RowLimits): Promise<Result[]> {
    this.#messages.stream.write(frontend.take());
    return new Promise((resolve, reject) => {
      const fresh = { results: [], rows: [], bytes: 0, rowBytes: 0, isCut: false, error: undefined };
      this.#exchanges.push({ steps, limits, ...fresh, resolve, reject });
      this.#limitRows();
    });
  }

  /** As the exchange allows that is being answered. */
  #limitRows(): void {
    this.#messages.limitRows(this.#exchanges[0]?.limits?.rowBytes ?? Infinity);
  }

  #write({ text, values, types }: Step): SentStep {
    const statement = this.#named ? this.#statementFor(text) : undefined;
    const name = statement?.name ?? '';
    const parsed = statement === undefined || statement.state === 'new';
    if (parsed) frontend.parse(name, text, types);
    if (statement?.state === 'new') statement.state = 'sent';
    frontend.bind(name, values);
    const fields = statement?.fields;
    if (fields === undefined) frontend.describePortal();
    frontend.execute();
    return { statement, parsed, fields: fields ?? [] };
  }

  /**
   * Named by its text, so that a session which we unknowingly share never runs another text by that name. undefined
   * while an exchange in flight prepares it: should that fail, this one must not depend on it.
   */
  #statementFor(text: string): NamedStatement | undefined {
    const known = this.#statements.get(text);
    if (known) return known.state === 'sent' ? undefined : known;
    if (this.#statements.size >= MAX_NAMED) return undefined;
    const name = `howdah_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    const statement: NamedStatement = { name, state: 'new', fields: undefined };
    this.#statements.set(text, statement);
    return statement;
  }

  #listen(messages: ServerMessages): void {
    messages.on('error', (error: unknown) => this.#fail(error));
    messages.on('parseComplete', () => this.#prepared());
    messages.on('rowDescription', ({ fields }: RowDescription) => {
      this.#described(fields.map(fieldOf));
    });
    messages.on('noData', () => this.#described([]));
    messages.on('dataRow', (row: DataRow) => this.#keepRow(row));
    messages.on('commandComplete', ({ text }: CommandComplete) => this.#completeStep(text));
    messages.on('emptyQuery', () => this.#completeStep(''));
    messages.on('errorMessage', (error: DatabaseError) => this.#serverFailed(error));
    messages.on('notification', ({ channel, payload }: Notification) => this.#hear(channel, payload));
    messages.on('readyForQuery', ({ status }: ReadyForQuery) => this.#ready(status));
    for (const copy of ['copyInResponse', 'copyOutResponse']) messages.on(copy, () => this.destroy(copyRefused()));
  }

  #prepared(): void {
    const statement = this.#step()?.statement;
    if (statement) statement.state = 'known';
  }

  #described(fields: readonly Field[]): void {
    const step = this.#step();
    if (!step) return;
    step.fields = fields;
    if (step.statement) step.statement.fields = fields;
  }

  #keepRow({ fields, length }: DataRow): void {
    const [exchange] = this.#exchanges;
    if (!exchange) return;
    if (exchange.isCut) return;
    exchange.bytes += length + ROW_BYTES + VALUE_BYTES * fields.length;
    exchange.rowBytes += length;
    const { limits } = exchange;
    const isFull = exchange.bytes > this.#maxResultBytes;
    if (limits && (isFull || exchange.rowBytes > limits.bytes)) this.#cut(exchange, limits);
    else if (isFull) this.destroy(resultTooLarge(this.#maxResultBytes));
    else exchange.rows.push(fields);
  }

  #cut(exchange: Exchange, { onCut }: RowLimits): void {
    exchange.isCut = true;
    onCut();
  }

  #completeStep(command: string): void {
    const [exchange] = this.#exchanges;
    const step = this.#step();
    if (!exchange || !step) return;
    exchange.results.push({ fields: step.fields, rows: exchange.rows, command });
    exchange.rows = [];
  }

  #serverFailed(error: DatabaseError): void {
    const [exchange] = this.#exchanges;
    if (exchange) exchange.error ??= error;
    // Nothing was asked: its last words, such as "terminating connection due to administrator command".
    else this.destroy(error);
  }

  #ready(status: TransactionStatus): void {
    const exchange = this.#exchanges.shift();
    if (!exchange) return;
    this.#status = status;
    this.#limitRows();
    forgetUnprepared(exchange);
    if (exchange.isCut) exchange.resolve(withCut(exchange));
    else if (exchange.error) exchange.reject(exchange.error);
    else exchange.resolve(exchange.results);
  }

  /** The statement that the server is answering. */
  #step(): SentStep | undefined {
    const [exchange] = this.#exchanges;
    return exchange?.steps[exchange.results.length];
  }

  #fail(reason: unknown): void {
    this.#failure ??= reason;
    for (const exchange of this.#exchanges.splice(0)) exchange.reject(exchange.error ?? this.#failure);
  }
}

interface NamedStatement {
  readonly name: string;
  state: 'new' | 'sent' | 'known';
  /** undefined until the server has described them. */
  fields: readonly Field[] | undefined;
}

interface SentStep {
  readonly statement: NamedStatement | undefined;
  /** Whether this step parses the statement. */
  readonly parsed: boolean;
  fields: readonly Field[];
}

interface Exchange {
  readonly steps: readonly SentStep[];
  readonly limits: RowLimits | undefined;
  readonly results: Result[];
  /** Of the step that is being answered. */
  rows: (string | null)[][];
  /** What the rows take in memory, estimated. */
  bytes: number;
  /** What the rows took on their way. */
  rowBytes: number;
  isCut: boolean;
  error: DatabaseError | undefined;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

// The messages of `pg-protocol`, as far as they are used.
interface RowDescription {
  readonly fields: readonly DescribedField[];
}
interface DescribedField {
  readonly name: string;
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeID: number;
  readonly dataTypeModifier: number;
}
interface DataRow {
  readonly length: number;
  readonly fields: (string | null)[];
}
interface CommandComplete {
  readonly text: string;
}
interface Notification {
  readonly channel: string;
  readonly payload: string;
}
interface ReadyForQuery {
  readonly status: TransactionStatus;
}

/** What the failed exchange did not get to prepare is prepared by the next one. */
function forgetUnprepared({ steps }: Exchange): void {
  for (const { parsed, statement } of steps) if (parsed && statement?.state === 'sent') statement.state = 'new';
}

function fieldOf({ name, tableID, columnID, dataTypeID, dataTypeModifier }: DescribedField): Field {
  const origin = tableID === 0 ? undefined : `${tableID}.${columnID}`;
  return { name, typeOid: dataTypeID, typeModifier: dataTypeModifier, origin };
}

/** The server may have been quicker than the cancel request, and then the result is there whole but for the rows. */
function withCut({ steps, results, rows }: Exchange): Result[] {
  if (results.length === steps.length) return results;
  return [...results, { fields: steps[results.length]?.fields ?? [], rows, command: '' }];
}

function resultTooLarge(limitBytes: number): PlatformError {
  return new PlatformError('QUERY_FAILED', `The result takes more than the limit of ${limitBytes} bytes.`, {
    hint: 'Ask for fewer rows or columns, with LIMIT or a narrower WHERE.',
    details: { limit_bytes: limitBytes },
  });
}

function copyRefused(): PlatformError {
  return new PlatformError('QUERY_FAILED', 'COPY to or from the client is not available.', {
    hint: 'Use SELECT.',
  });
}
