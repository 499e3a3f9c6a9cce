import { improve, OK, risk, shouldBe, unknown, type Given, type Rule } from './review-rule.ts';

function judgeRandomPageCost({ storage, amount }: Given) {
  const [random, sequential] = [amount('random_page_cost'), amount('seq_page_cost')];
  if (random < sequential) {
    return risk('notice', `${sequential}`, 'No storage reads pages at random faster than in order.');
  }
  if (storage === undefined) return unknown('storage');
  const ratio = sequential > 0 ? random / sequential : random;
  if (storage === 'hdd') return ratio < 2 ? improve('4', 'Reading at random is much slower on disks that turn.') : OK;
  return ratio > 2
    ? improve('1.1', 'Reading at random is about as fast on such storage, and indexes are avoided for nothing.')
    : OK;
}

/** PostgreSQL 18 counts otherwise, and has 16 by default. */
const NEW_IO = 18;

function judgeIoConcurrency({ storage, major, amount }: Given) {
  if (storage === undefined) return unknown('storage');
  if (storage === 'hdd') return OK;
  const [least, suggested] = major >= NEW_IO ? [16, '16'] : [32, '200'];
  return amount('effective_io_concurrency') < least
    ? improve(suggested, 'Such storage answers many requests at once; bitmap scans ask for too few ahead.')
    : OK;
}

function judgeJit({ workload, value }: Given) {
  if (value('jit') !== 'on') return OK;
  if (workload === undefined) return unknown('workload');
  return workload === 'oltp'
    ? improve('off', 'Short statements that are thought to be costly are compiled for longer than they run.')
    : OK;
}

function judgeWorkers({ amount }: Given) {
  return amount('max_parallel_workers') > amount('max_worker_processes')
    ? improve(`${amount('max_worker_processes')}`, 'More than max_worker_processes never start.')
    : OK;
}

function judgePerGather({ workload, cpus, amount }: Given) {
  const perGather = amount('max_parallel_workers_per_gather');
  if (perGather > amount('max_parallel_workers')) {
    return improve(
      `${amount('max_parallel_workers')}`,
      'Plans are made for workers that max_parallel_workers does not have.',
    );
  }
  if (workload === undefined) return unknown('workload');
  if (workload !== 'olap') return OK;
  if (cpus === undefined) return unknown('cpus');
  const wanted = Math.max(2, Math.min(8, Math.floor(cpus / 2)));
  return perGather < wanted ? improve(`${wanted}`, 'Large queries could use more of the processors.') : OK;
}

function judgeProcesses({ cpus, amount }: Given) {
  if (cpus === undefined) return unknown('cpus');
  return amount('max_worker_processes') < cpus ? improve(`${cpus}`, 'Fewer background workers than processors.') : OK;
}

export const PLANNER_RULES: readonly Rule[] = [
  { setting: 'random_page_cost', page: 'query', judge: judgeRandomPageCost },
  { setting: 'effective_io_concurrency', page: 'resource', judge: judgeIoConcurrency },
  { setting: 'jit', page: 'query', judge: judgeJit },
  {
    setting: 'default_statistics_target',
    page: 'query',
    judge: ({ amount }) => {
      const target = amount('default_statistics_target');
      if (target < 100) return improve('100', 'The planner knows less of the data than by default.');
      return target > 1000 ? improve('500', 'Every ANALYZE and every plan works through long lists.') : OK;
    },
  },
  { setting: 'max_worker_processes', page: 'resource', judge: judgeProcesses },
  { setting: 'max_parallel_workers', page: 'resource', judge: judgeWorkers },
  { setting: 'max_parallel_workers_per_gather', page: 'resource', judge: judgePerGather },
  {
    setting: 'bgwriter_lru_maxpages',
    page: 'resource',
    judge: shouldBe(
      '100',
      ({ amount }) => amount('bgwriter_lru_maxpages') > 0,
      'Sessions have to write pages out themselves.',
    ),
  },
];
