// SPDX-License-Identifier: Apache-2.0
import { Machine } from "./machine.js";
import { type Conversation, type Step, Violation } from "./step.js";

/** Plays a conversation; gives the violation that it comes to. */
export function replay(conversation: Conversation): Violation | undefined {
  try {
    const machine = new Machine(conversation);
    for (const step of conversation.steps) machine.play(step);
    machine.finish();
    return undefined;
  } catch (error) {
    return violationOf(error);
  }
}

/** The fault as a violation: any other error comes from a check, which should not throw. */
export function violationOf(error: unknown): Violation {
  if (error instanceof Violation) return error;
  return new Violation(error instanceof Error ? (error.stack ?? error.message) : String(error), {
    cause: error,
  });
}

/**
 * Leaves out steps for as long as the same is violated. What a lawful peer may say depends on all
 * that went before, so of such a conversation only the end is left out.
 */
export function shrink(conversation: Conversation, violation: Violation): Conversation {
  const kind = kindOf(violation);
  const fails = (steps: readonly Step[]) => {
    const found = replay({ ...conversation, steps });
    return found !== undefined && kindOf(found) === kind;
  };
  if (!fails(conversation.steps) || kind.includes("broke no rule")) return conversation;
  let steps: readonly Step[] = conversation.steps;
  for (let before = -1; before !== steps.length; ) {
    before = steps.length;
    for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at + size <= steps.length; ) {
        const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
        if (fails(fewer)) steps = fewer;
        else at += size;
      }
    }
  }
  return { ...conversation, steps };
}

/** A violation without its numbers, which change as steps are left out. */
function kindOf({ message }: Violation): string {
  return message.split("\n", 2).join(" ").replaceAll(/\d+/g, "N");
}
