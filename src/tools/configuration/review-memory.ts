import { formatBytes } from './setting-value.ts';
import { GB, improve, MB, OK, risk, unknown, type Given, type Rule } from './review-rule.ts';

const PAGE = 'resource';

/** https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS: 25 %, and hardly more than 40 %. */
const SHARE = 0.25;
const MUCH_SHARE = 0.4;
/** Nothing is left for sessions and the cache of the operating system. */
const TOO_MUCH_SHARE = 0.75;
/** Of a machine of some size, such as the default leaves of it. */
const TOO_LITTLE_SHARE = 1 / 32;
const SMALL_MACHINE = 4 * GB;

/** To multiples that people would write. */
function rounded(bytes: number): string {
  const step = bytes >= 2 * GB ? 256 * MB : bytes >= 64 * MB ? 16 * MB : MB;
  return formatBytes(Math.max(step, Math.floor(bytes / step) * step));
}

function judgeSharedBuffers({ memory, amount }: Given) {
  const size = amount('shared_buffers');
  if (memory === undefined) return unknown('memory');
  const share = size / memory;
  const percent = Number((share * 100).toPrecision(2));
  const suggested = rounded(memory * SHARE);
  if (share > TOO_MUCH_SHARE) {
    return risk('warning', suggested, `It takes ${percent} % of the memory, and sessions need theirs beside it.`);
  }
  if (share < TOO_LITTLE_SHARE && memory >= SMALL_MACHINE) {
    return risk('notice', suggested, `It uses ${percent} % of the memory; a quarter is usual.`);
  }
  if (share > MUCH_SHARE)
    return improve(suggested, `It takes ${percent} % of the memory; more than 40 % hardly helps.`);
  if (share < 0.15) return improve(suggested, `It uses ${percent} % of the memory; a quarter is usual.`);
  return OK;
}

function judgeCacheSize({ memory, amount }: Given) {
  const size = amount('effective_cache_size');
  if (size < amount('shared_buffers')) {
    return risk(
      'notice',
      memory === undefined ? undefined : rounded(memory * 0.75),
      'The planner is told of less cache than shared_buffers alone has, and avoids indexes.',
    );
  }
  if (memory === undefined) return unknown('memory');
  if (size > memory) return improve(rounded(memory * 0.75), 'The planner is told of more cache than there is memory.');
  if (size < memory * 0.4)
    return improve(rounded(memory * 0.75), 'The planner is told of less cache than there will be.');
  return OK;
}

/** What all sessions take that sort or hash once at the same time; a plan may do so several times. */
export function workMemory({ amount }: Given): number {
  return amount('max_connections') * amount('work_mem');
}

function judgeWorkMem(given: Given) {
  const { memory, workload, amount } = given;
  if (memory === undefined) return unknown('memory');
  const left = Math.max(memory - amount('shared_buffers'), memory * 0.25);
  const affordable = left / (3 * Math.max(amount('max_connections'), 1));
  const all = amount('shared_buffers') + workMemory(given);
  if (all > memory) {
    return risk(
      'warning',
      rounded(affordable),
      `With one sort in each of max_connections and shared_buffers, ${formatBytes(all)} of ${formatBytes(memory)} are taken, and more by plans with several.`,
    );
  }
  const wanted = Math.min(affordable, workload === 'olap' ? GB : 64 * MB);
  return amount('work_mem') * 3 < wanted
    ? improve(rounded(wanted), 'Sorts and hashes go to disk early; there is memory for more.')
    : OK;
}

/** For each of autovacuum's workers at once. */
export function vacuumMemory({ amount }: Given): number {
  const own = amount('autovacuum_work_mem');
  const each = own === -1 ? amount('maintenance_work_mem') : own;
  return amount('autovacuum_max_workers') * each;
}

function judgeVacuumMem(given: Given) {
  const { memory, amount } = given;
  if (memory === undefined) return unknown('memory');
  const all = vacuumMemory(given);
  const suggested = rounded(Math.min(memory / 16 / Math.max(amount('autovacuum_max_workers'), 1), GB));
  const says = `All workers of autovacuum may take ${formatBytes(all)} of ${formatBytes(memory)} at once.`;
  if (all > memory / 2) return risk('notice', suggested, says);
  return all > memory / 4 ? improve(suggested, says) : OK;
}

function judgeMaintenanceMem({ memory, amount }: Given) {
  if (memory === undefined) return unknown('memory');
  const wanted = Math.min(memory / 16, 2 * GB);
  const size = amount('maintenance_work_mem');
  if (size > memory / 4)
    return improve(rounded(wanted), 'One CREATE INDEX may take more than a quarter of the memory.');
  return size * 2 < wanted ? improve(rounded(wanted), 'CREATE INDEX and VACUUM are faster with more.') : OK;
}

const MANY_CONNECTIONS = 500;

function judgeConnections({ cpus, amount }: Given) {
  const connections = amount('max_connections');
  const many = cpus === undefined ? MANY_CONNECTIONS : Math.max(200, cpus * 25);
  return connections > many
    ? improve(
        undefined,
        `${connections} sessions at work are more than ${cpus === undefined ? 'most machines' : `${cpus} processors`} run well; a pooler needs fewer.`,
      )
    : OK;
}

/** From here on page tables weigh something. */
const BIG_BUFFERS = 8 * GB;

function judgeHugePages({ value, amount }: Given) {
  if (amount('shared_buffers') < BIG_BUFFERS) return OK;
  const pages = value('shared_memory_size_in_huge_pages');
  const kernel = pages === undefined ? 'vm.nr_hugepages' : `vm.nr_hugepages of ${pages}`;
  if (value('huge_pages') === 'off')
    return improve('try', `Large shared_buffers are cheaper with huge pages, which the kernel gives with ${kernel}.`);
  return value('huge_pages_status') === 'off'
    ? improve(undefined, `The kernel gave none: set ${kernel}, and restart.`)
    : OK;
}

export const MEMORY_RULES: readonly Rule[] = [
  { setting: 'shared_buffers', page: PAGE, judge: judgeSharedBuffers },
  { setting: 'effective_cache_size', page: 'query', judge: judgeCacheSize },
  { setting: 'work_mem', page: PAGE, judge: judgeWorkMem },
  { setting: 'maintenance_work_mem', page: PAGE, judge: judgeMaintenanceMem },
  { setting: 'autovacuum_work_mem', page: PAGE, judge: judgeVacuumMem },
  { setting: 'max_connections', page: 'connection', judge: judgeConnections },
  {
    setting: 'superuser_reserved_connections',
    page: 'connection',
    judge: ({ amount }) =>
      amount('superuser_reserved_connections') < 1
        ? risk('notice', '3', 'When all connections are taken, nobody gets in to see why.')
        : OK,
  },
  { setting: 'huge_pages', page: PAGE, judge: judgeHugePages },
  {
    setting: 'temp_file_limit',
    page: PAGE,
    judge: ({ amount }) =>
      amount('temp_file_limit') === -1
        ? improve(undefined, 'One query may fill the disk with temporary files; a share of the free space bounds it.')
        : OK,
  },
];
