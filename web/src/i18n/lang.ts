import { ref } from 'vue'

export type Lang = 'zh' | 'en'
const KEY = 'lanfan.lang'

function stored(): Lang {
  try {
    return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh'
  } catch {
    return 'zh'
  }
}
export const lang = ref<Lang>(stored())

export function setLang(l: Lang): void {
  lang.value = l
  try {
    localStorage.setItem(KEY, l)
  } catch {
    /* private mode: the choice lasts as long as the page */
  }
  applyLang()
}
export function applyLang(): void {
  document.documentElement.lang = lang.value === 'zh' ? 'zh-CN' : 'en'
}
