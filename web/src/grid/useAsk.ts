import { reactive, shallowRef, watch } from 'vue'

/** Asks whenever what is asked for changes; the last question wins. */
export function useAsk<T>(what: () => unknown, ask: () => Promise<T>) {
  const answer = shallowRef<T | null>(null)
  const state = reactive({ loading: true, error: null as unknown })
  let asked = 0
  async function load(): Promise<void> {
    const mine = ++asked
    state.loading = true
    state.error = null
    try {
      const got = await ask()
      if (mine === asked) answer.value = got
    } catch (e) {
      if (mine === asked) state.error = e
    } finally {
      if (mine === asked) state.loading = false
    }
  }
  watch(what, load, { immediate: true })
  return { answer, state, load }
}
