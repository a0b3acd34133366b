import { onScopeDispose, ref, type Ref } from 'vue'

/** Now, ticking, for "5 minutes ago". */
export function useNow(every = 15_000): Ref<number> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), every)
  onScopeDispose(() => clearInterval(timer))
  return now
}
export function debounce<A extends unknown[]>(fn: (...a: A) => void, wait: number): (...a: A) => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return (...a) => {
    clearTimeout(timer)
    timer = setTimeout(() => fn(...a), wait)
  }
}
