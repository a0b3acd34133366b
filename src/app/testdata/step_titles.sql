SELECT title FROM step WHERE topic = 'matter' ORDER BY row_id
