import type { Catalog } from '../calls/catalog.ts';
import type { Operation } from '../calls/operation.ts';
import type { Method, Params } from './methods/method.ts';

/** The operation that answers a request of the protocol, and its arguments. */
export interface Route {
  readonly name: string;
  readonly arguments: Params;
}

/** Undefined for a method that no operation answers. */
export type Router = (method: string, params: Params) => Route | undefined;

/** Of several operations of one method, the one with the longest name that takes the request answers it. */
export function createRouter({ operations }: Catalog): Router {
  const methods = new Map<string, Method[]>();
  for (const operation of operations.filter(isMethod).toSorted((a, b) => b.name.length - a.name.length)) {
    const { method } = operation.answers;
    methods.set(method, [...(methods.get(method) ?? []), operation]);
  }
  return (method, params) => {
    for (const { name, answers } of methods.get(method) ?? []) {
      const taken = answers.take(params);
      if (taken) return { name, arguments: taken };
    }
    return undefined;
  };
}

function isMethod(operation: Operation): operation is Method {
  return operation.kind === 'method' && 'answers' in operation;
}
