/** A person's own question to a model in training. */
import { must } from '../protocol/must.ts';
import type { Policy } from './policy-model.ts';
import { sampleGreedy } from './sampling.ts';
import type { TaskItem } from './tasks/task.ts';

/** A question that nobody knows the answer to, so that nothing is checked. */
function openQuestion(prompt: string): TaskItem {
  return {
    task: 'own-question',
    difficulty: 0,
    prompt,
    answer: '',
    identity: prompt,
    check: () => 0,
    answerIn: (text) => text,
    explain: () => 'Nobody checks an answer to a question of one’s own.',
    credits: () => undefined,
  };
}

/**
 * The policy's most likely answer to a question, asked in its format as a task is. Throws TokenizerError for
 * a character that the model does not know, and ModelInputError for a question that is too long for it.
 */
export async function askPolicy(policy: Policy, question: string, signal?: AbortSignal): Promise<string> {
  const { format } = policy;
  const prompt = format.answer(openQuestion(question));
  return must(await sampleGreedy(policy, [prompt], { maxTokens: format.maxTokens.answer, signal }), 0);
}
