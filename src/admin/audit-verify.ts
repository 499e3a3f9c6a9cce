import { access } from 'node:fs/promises';
import { z } from 'zod';
import type { StoreReport } from '../audit/store-verify.ts';
import { verifyAudit, type VerifyReport } from '../audit/verify.ts';
import type { CallContext } from '../calls/context.ts';
import { PlatformError } from '../core/errors.ts';
import type { Store } from '../store/open-store.ts';
import { defineAdmin } from './admin-operation.ts';

const Head = z.object({ chain: z.string(), sequence: z.int(), hash: z.string() });
const count = z.int().min(0);
const Newest = z.object({ number: z.int(), at: z.string(), hash: z.string() }).nullable();

const output = {
  ok: z.boolean().describe('Nothing is broken.'),
  events: count,
  broken: z.array(
    z.object({
      file: z.string().describe('The file; of what is in the store a chain, a table with its row, or the checkpoints.'),
      line: z.int().nullable().describe('In a file.'),
      sequence: z.int().nullable().describe('Of the event in its chain, or the number of the checkpoint.'),
      at: z.string().nullable(),
      what: z.string(),
    }),
  ),
  files: z.array(
    z.object({
      file: z.string(),
      events: count,
      closed: z.boolean(),
      notes: z.array(z.string()),
      head: Head.nullable().describe('To be kept elsewhere: only that shows a later truncation of the newest file.'),
    }),
  ),
  store: z
    .object({
      events: count,
      chains: count,
      heads: z.array(Head).describe('Of the newest chains.'),
      checkpoints: z.object({ count, newest: Newest }),
      external: z.object({ file: z.string(), count, newest: Newest, accepted: count }).nullable(),
      lost: z
        .string()
        .nullable()
        .describe('Digest of what is gone and could be accepted as lost, for `accept_restore`.'),
      notes: z.array(z.string()),
      public_keys: z
        .record(z.string(), z.string())
        .describe('Ed25519, in base64url: what checkpoints are checked with.'),
    })
    .nullable(),
  complete: z.literal(false),
  limits: z.string().describe('What cannot be shown.'),
};
type Output = z.output<z.ZodObject<typeof output>>;

export interface VerifyParts {
  readonly auditDirectory: string;
  readonly store: () => Store | undefined;
  readonly checkpointFile: () => string;
}

export function auditVerify({ auditDirectory, store, checkpointFile }: VerifyParts) {
  return defineAdmin({
    name: 'audit_verify',
    area: 'audit',
    title: 'Verify the audit log',
    description:
      'Checks every event, hash chain, checkpoint and bound row of the audit log, in the store and in the files of this machine, and names the first broken link of each.',
    reaches: 'nothing',
    input: {
      checkpoints: z.string().optional().describe('File of checkpoints that is kept outside the store.'),
    },
    output,
    run: async ({ checkpoints }, context) => {
      const opened = store();
      if (opened === undefined) return describe(await verifyAudit(auditDirectory), undefined);
      const file = await chooseFile(checkpoints, checkpointFile());
      const report = await verifyOpened(opened, file, context);
      const files = await verifyAudit(auditDirectory).catch(unlessMissing);
      const { digestOf } = await import('../audit/accept-loss.ts');
      return describe(files, { report, file, lost: digestOf(report.lost), keys: opened.keys.publicKeys() });
    },
  });
}

export async function verifyOpened(
  store: Store,
  file: string | undefined,
  context: Pick<CallContext, 'progress'>,
): Promise<StoreReport> {
  const { verifyStore } = await import('../audit/store-verify.ts');
  return verifyStore({ store, checkpoints: file, progress: (message, done) => context.progress(message, done) });
}

/** A file that is named must be there; the one of this machine need not. Fails with NOT_FOUND. */
export async function chooseFile(named: string | undefined, own: string): Promise<string | undefined> {
  const isThere = await access(named ?? own).then(
    () => true,
    () => false,
  );
  if (isThere) return named ?? own;
  if (named === undefined) return undefined;
  throw new PlatformError('NOT_FOUND', `The file of checkpoints ${named} cannot be read.`, {
    hint: 'Name a copy of the file that audit.checkpoints names.',
  });
}

/** A machine that keeps its log in the store has no files. */
function unlessMissing(error: unknown): undefined {
  if (error instanceof PlatformError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}

interface Verified {
  readonly report: StoreReport;
  readonly file: string | undefined;
  readonly lost: string | null;
  readonly keys: ReadonlyMap<string, string>;
}

function describe(files: VerifyReport | undefined, verified: Verified | undefined): Output {
  const inFiles = describeFiles(files);
  const inStore = (verified?.report.broken ?? []).map(({ place, ...each }) => ({ file: place, line: null, ...each }));
  return {
    ok: inFiles.broken.length + inStore.length === 0,
    events: inFiles.events + (verified?.report.events ?? 0),
    broken: [...inStore, ...inFiles.broken],
    files: inFiles.files,
    store: verified === undefined ? null : describeStore(verified),
    complete: false,
    limits: [verified?.report.limits, inFiles.limits].filter(Boolean).join(' '),
  };
}

/** A machine that keeps its log in the store need not have any; without a store there must be a directory. */
function describeFiles(report: VerifyReport | undefined) {
  if (report === undefined) return { events: 0, broken: [], files: [], limits: '' };
  return {
    events: report.events,
    broken: report.broken.map((each) => ({ ...each, sequence: null, at: null })),
    files: report.files.map((file) => ({ ...file, notes: [...file.notes] })),
    limits: report.limits,
  };
}

function describeStore({ report, file, lost, keys }: Verified): NonNullable<Output['store']> {
  const { events, chains, heads, checkpoints, external, notes } = report;
  return {
    events,
    chains,
    heads: [...heads],
    checkpoints,
    external: external === undefined ? null : { file: file ?? '', ...external },
    lost,
    notes: [...notes],
    public_keys: Object.fromEntries(keys),
  };
}
