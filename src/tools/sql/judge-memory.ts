import { gather, type Finding } from '../kit/index.ts';
import type { PlanNode } from './plan.ts';
import { number, titleOf } from './plan-tree.ts';

const DOCS = 'https://www.postgresql.org/docs/current';
const WORK_MEM = `${DOCS}/runtime-config-resource.html#GUC-WORK-MEM`;

/** A bitmap that had to forget rows is worth a word from this share of its pages on. */
const LOSSY_PERCENT = 10;

/** What did not fit in work_mem; known only of plans that were run. */
export function judgeMemory(nodes: readonly PlanNode[]): Finding[] {
  return [
    ...gather(
      nodes.flatMap((node) => [...judgeSort(node), ...judgeHash(node)]),
      (count) => `${count} sorts and hashes spill to disk.`,
    ),
    ...nodes.flatMap(judgeBitmap),
  ];
}

function judgeSort(node: PlanNode): Finding[] {
  const { sort } = node;
  if (sort?.on_disk !== true) return [];
  // sorting in memory takes about twice what the tapes take
  return [spill(node, `sorts ${number(sort.kb)} kB on disk (${sort.method})`, { disk_kb: sort.kb }, sort.kb * 2)];
}

function judgeHash(node: PlanNode): Finding[] {
  const { hash } = node;
  if (hash === undefined || (hash.batches <= 1 && hash.disk_kb === 0)) return [];
  const needed = hash.kb * hash.batches + hash.disk_kb;
  const evidence = { batches: hash.batches, memory_kb: hash.kb, disk_kb: hash.disk_kb };
  return [spill(node, `needs ${number(hash.batches)} batches by way of the disk`, evidence, needed)];
}

function spill(node: PlanNode, does: string, evidence: Finding['evidence'], neededKb: number): Finding {
  const { temp_read, temp_written } = node.buffers ?? {};
  const megabytes = Math.max(8, 2 ** Math.ceil(Math.log2(neededKb / 1024)));
  return {
    severity: 'warning',
    claim: `${titleOf(node)} ${does}.`,
    evidence: {
      ...evidence,
      ...(temp_read !== undefined && { temp_blocks_read: temp_read }),
      ...(temp_written !== undefined && { temp_blocks_written: temp_written }),
    },
    why: WORK_MEM,
    next_step:
      megabytes > 1024
        ? '-- more than memory should be spent on: see whether fewer rows or columns can be sorted or joined'
        : `-- for this statement only, as every sort and hash may take as much: SET LOCAL work_mem = '${megabytes}MB';`,
  };
}

function judgeBitmap(node: PlanNode): Finding[] {
  const { heap_blocks } = node;
  if (heap_blocks === undefined || heap_blocks.lossy === 0) return [];
  const percent = (heap_blocks.lossy / (heap_blocks.exact + heap_blocks.lossy)) * 100;
  if (percent < LOSSY_PERCENT) return [];
  return [
    {
      severity: 'notice',
      claim: `${titleOf(node)} remembers ${Math.round(percent)} % of its pages only whole, and checks every row in them.`,
      evidence: {
        exact: heap_blocks.exact,
        lossy: heap_blocks.lossy,
        removed_by_recheck: node.removed?.['recheck'] ?? 0,
      },
      why: WORK_MEM,
      next_step: '-- for this statement only: SET LOCAL work_mem = …; twice as much holds twice as many pages',
    },
  ];
}
