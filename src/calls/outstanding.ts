import type { InputRequests, InputResponses } from './input-request.ts';

/** A person may think this long. */
const KEPT_MS = 10 * 60_000;
const KEPT_OF_ONE_OWNER = 32;
const KEPT_OF_ALL = 1000;

/** What was asked, and what of it has been answered. */
export interface Question {
  /** Who was asked. */
  readonly owner: string;
  readonly requests: InputRequests;
  readonly answers: InputResponses;
}

/** Questions that may still be answered, each of them once. The oldest are forgotten when there are too many. */
export interface Outstanding {
  add(id: string, question: Question): void;
  /** Undefined for what was never asked, was taken before, is forgotten or too old. */
  take(id: string): Question | undefined;
}

export function createOutstanding(now: () => number): Outstanding {
  /** In the order in which they were asked. */
  const questions = new Map<string, Question & { readonly expiresAt: number }>();

  function forgetExpired(): void {
    for (const [id, { expiresAt }] of questions) {
      if (expiresAt > now()) return;
      questions.delete(id);
    }
  }

  function makeRoom(owner: string): void {
    forgetExpired();
    const own = [...questions].filter(([, question]) => question.owner === owner);
    const [oldest] = own.length >= KEPT_OF_ONE_OWNER ? own : questions.size >= KEPT_OF_ALL ? questions : [];
    if (oldest) questions.delete(oldest[0]);
  }

  return {
    add(id, question) {
      makeRoom(question.owner);
      questions.set(id, { ...question, expiresAt: now() + KEPT_MS });
    },
    take(id) {
      forgetExpired();
      const question = questions.get(id);
      questions.delete(id);
      return question;
    },
  };
}
