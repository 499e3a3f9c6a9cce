import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { z } from 'zod';
import { exportedEvents } from '../admin/audit-export.ts';
import { auditFilters } from '../admin/audit-filters.ts';
import { formatters, type ExportFormat } from '../audit/export-format.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import { PlatformError, toPlatformError } from '../core/errors.ts';
import { localPrincipal } from '../identity/local-principal.ts';
import { ADMINISTERING } from './administer.ts';
import { filterArguments } from './audit-arguments.ts';
import { withHowdah, type LocalHowdah } from './local-howdah.ts';
import { osUser } from './os-user.ts';
import type { Shell } from './shell.ts';

type Flags = Readonly<Record<string, string | boolean | undefined>> & {
  readonly files?: boolean;
  readonly format?: string;
  readonly out?: string;
};

/** What went out, so far. */
interface Exported {
  rows: number;
  bytes: number;
}

/** Where an export goes. */
interface Destination {
  readonly stream: Writable;
  /** Makes it durable, or removes it. */
  end(isWhole: boolean): Promise<void>;
}

const CHUNK = 65_536;

/** On record twice: what is asked for before the first event leaves, and at the end how much that was. */
export function exportAudit(shell: Shell, { files = false, format, out, ...flags }: Flags): Promise<number> {
  return withHowdah(shell, { ...ADMINISTERING, ...(files && { embeddedStore: 'none' }) }, async (howdah) => {
    const given = filterArguments(flags);
    const input = { ...given, ...(format !== undefined && { format }), files };
    const outcome = await howdah.administer({ name: 'audit_export', arguments: input });
    if (!outcome.ok) throw outcome.error;
    const from = outcome.output['from'] === 'store' ? 'store' : 'files';
    const filters = z.object(auditFilters).parse(given);
    const events = exportedEvents(howdah.platform.auditSource, filters, from);
    const exported: Exported = { rows: 0, bytes: 0 };
    const finish = recorder(howdah, outcome.callId, {
      input: { ...input, ...(out !== undefined && { out }) },
      exported,
    });
    try {
      await writeTo(await openDestination(shell, out), (stream) =>
        writeEvents(events, { stream, format: format === 'csv' ? 'csv' : 'jsonl', exported, signal: shell.signal }),
      );
    } catch (error) {
      await finish(toPlatformError(error).code);
      throw error;
    }
    await finish('OK');
    report(shell, exported, out);
    return 0;
  });
}

function report({ screen, json }: Shell, { rows, bytes }: Exported, out: string | undefined): void {
  if (out === undefined) return;
  if (json) screen.printJson({ out, rows, bytes });
  else screen.note(`${rows.toLocaleString('en')} events, ${bytes.toLocaleString('en')} bytes, in ${out}`);
}

interface Read {
  readonly input: Readonly<Record<string, unknown>>;
  readonly exported: Exported;
}

function recorder({ platform }: LocalHowdah, callId: string, { input, exported }: Read) {
  const started = performance.now();
  const { issuer, subject, method, client, roles } = localPrincipal('admin', osUser());
  return (outcome: AuditEvent['outcome']): Promise<void> =>
    platform.deps.audit.record({
      kind: 'audit_read',
      call_id: callId,
      principal_issuer: issuer,
      principal_subject: subject,
      principal_method: method,
      principal_client: client,
      principal_roles: [...roles],
      persona: 'admin',
      operation: 'audit_export',
      access_class: 'admin',
      transport: 'cli',
      input,
      outcome,
      ...exported,
      duration_ms: Math.round(performance.now() - started),
    });
}

async function openDestination({ stdout }: Shell, out: string | undefined): Promise<Destination> {
  if (out === undefined) return { stream: stdout, end: () => Promise.resolve() };
  const file = await open(out, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new PlatformError('INVALID_INPUT', `${out} cannot be made: ${error.code ?? 'unknown reason'}.`, {
      hint: error.code === 'EEXIST' ? 'It is there already; an export never replaces a file. Name another.' : undefined,
    });
  });
  const stream = file.createWriteStream({ flush: true });
  return {
    stream,
    async end(isWhole) {
      if (isWhole) stream.end();
      else stream.destroy();
      if (!stream.closed) await once(stream, 'close');
      if (!isWhole) await rm(out, { force: true });
    },
  };
}

async function writeTo(to: Destination, write: (stream: Writable) => Promise<void>): Promise<void> {
  let isWhole = false;
  let failure: Error | undefined;
  to.stream.once('error', (error) => (failure = error));
  try {
    await write(to.stream);
    isWhole = true;
  } finally {
    await to.end(isWhole);
  }
  if (failure !== undefined) throw failure;
}

interface Writing {
  readonly stream: Writable;
  readonly format: ExportFormat;
  readonly exported: Exported;
  readonly signal: AbortSignal;
}

/** No faster than it is taken. */
async function writeEvents(events: AsyncIterable<AuditEvent>, writing: Writing): Promise<void> {
  const { stream, exported, signal } = writing;
  const formatter = formatters[writing.format];
  let chunk = formatter.head;
  const flush = async () => {
    exported.bytes += Buffer.byteLength(chunk);
    const isTaken = stream.write(chunk);
    chunk = '';
    if (!isTaken) await once(stream, 'drain', { signal });
  };
  for await (const event of events) {
    if (signal.aborted) throw new PlatformError('CANCELLED', 'The export was stopped.');
    chunk += formatter.line(event);
    exported.rows += 1;
    if (chunk.length >= CHUNK) await flush();
  }
  if (chunk !== '') await flush();
}
