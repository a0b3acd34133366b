import { createApp } from 'vue'
import App from './App.vue'
import { whenExpired } from './api/http'
import { applyLang } from './i18n'
import { startLive, stopLive } from './live'
import { router } from './router'
import { forget, resume, session } from './session'
import './styles/base.css'
import './styles/parts.css'
import './styles/print.css'

applyLang()
whenExpired(() => {
  if (!session.me) return
  forget()
  stopLive()
  void router.push({ name: 'login', query: { next: router.currentRoute.value.fullPath, expired: '1' } })
})
void resume().then((known) => {
  if (known && !session.me?.must_change) startLive()
  createApp(App).use(router).mount('#app')
})
