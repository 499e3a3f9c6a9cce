import { changeSettings, gather, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { AboutDecoding, DecodingRow } from './decoding-row.ts';

const MIB = 2 ** 20;
/** Each walsender may take as much. */
const MOST_WORK_MEM = 1024 * MIB;

interface Evidence {
  readonly input: { readonly min_spill_size: number; readonly max_spill_percent: number };
  readonly about: AboutDecoding | null;
  readonly facts: Pick<ConnectionFacts, 'service'>;
}

export function judgeDecoding(rows: readonly DecodingRow[], { input, about, facts }: Evidence): Finding[] {
  const memory = about?.logical_decoding_work_mem ?? 64 * MIB;
  return gather(
    rows
      .filter(
        ({ spill_size, spill_percent }) =>
          (spill_size ?? 0) > input.min_spill_size && (spill_percent ?? 0) > input.max_spill_percent,
      )
      .map((row) => judgeSpilling(row, memory, facts.service)),
    (count) => `${count} logical slots spill much of what they decode to disk.`,
  );
}

function judgeSpilling(row: DecodingRow, memory: number, service: ConnectionFacts['service']): Finding {
  const { slot_name, spill_txns, spill_size, spill_percent, total_size, stream_txns, counted_since } = row;
  const next = Math.min(2 * memory, MOST_WORK_MEM);
  const streams =
    '-- or let subscribers take transactions before their commit: ALTER SUBSCRIPTION … SET (streaming = on)';
  return {
    severity: 'notice',
    claim: `The logical slot ${slot_name} spilled ${spill_txns} transactions to disk, whose changes are ${spill_percent} % of what it decoded.`,
    object: slot_name,
    evidence: {
      spill_txns,
      spill_size,
      spill_percent,
      total_size,
      stream_txns,
      logical_decoding_work_mem: memory,
      counted_since,
    },
    why: 'https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-LOGICAL-DECODING-WORK-MEM',
    next_step: [
      ...(next > memory
        ? [
            changeSettings(service, [
              {
                name: 'logical_decoding_work_mem',
                value: `'${Math.ceil(next / MIB)}MB'`,
                note: 'each walsender that decodes may take as much',
              },
            ]),
          ]
        : []),
      streams,
    ].join('\n'),
  };
}
