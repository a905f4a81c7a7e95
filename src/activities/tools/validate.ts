/**
 * Checks a call's arguments before its tool sees them.
 *
 * Invariant: a tool runs only with arguments that fit its schema, and an argument it does not have is an error rather
 * than ignored: a model that wrote `cwd` meant something by it.
 */
import Value from 'typebox/value';
import type { Tool } from './types.js';

/** @returns one sentence for the model, or undefined */
export function validateArgs(tool: Pick<Tool, 'name' | 'parameters'>, args: unknown): string | undefined {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return `The arguments of ${tool.name} must be an object; it takes ${signature(tool)}.`;
  const known = Object.keys(tool.parameters.properties);
  const unknown = Object.keys(args).filter((name) => !known.includes(name));
  if (unknown.length > 0) return `${tool.name} has no argument ${unknown.map(quote).join(', ')}; it takes ${signature(tool)}.`;
  const problems = Value.Errors(tool.parameters, args).slice(0, 3).map((error) => {
    if (error.keyword === 'required') return `${error.params.requiredProperties.map(quote).join(', ')} is missing`;
    if (error.keyword === 'enum') return `${quote(error.instancePath.slice(1))} must be one of ${error.params.allowedValues.join(', ')}`;
    const where = error.instancePath.slice(1).replaceAll('/', '.');
    return where === '' ? error.message : `${quote(where)} ${error.message}`;
  });
  return problems.length === 0 ? undefined : `The arguments of ${tool.name} are wrong: ${[...new Set(problems)].join('; ')}. It takes ${signature(tool)}.`;
}

const quote = (name: string): string => JSON.stringify(name.slice(0, 60));

/** `command, workdir?, env?` */
function signature(tool: Pick<Tool, 'parameters'>): string {
  const required: readonly string[] = tool.parameters.required ?? [];
  const names = Object.keys(tool.parameters.properties);
  return names.length === 0 ? 'none' : names.map((name) => (required.includes(name) ? name : `${name}?`)).join(', ');
}
