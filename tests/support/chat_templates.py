"""Chat templates in the manner of well-known models: all that such templates use of jinja, and of what transformers adds to it."""

TEMPLATES = {
    "chatml, with a system turn of its own": (
        "{%- if messages[0].role != 'system' %}\n    {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}\n{%- endif %}\n"
        "{%- for message in messages %}\n    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n"
        "{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n"
    ),
    "instructions in brackets": (
        "{{ bos_token }}{% for message in messages %}\n"
        "    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\n"
        "        {{ raise_exception('Turns must alternate') }}\n    {% endif %}\n"
        "    {% if message['role'] == 'user' %}\n{{ '[INST] ' + message['content'] | trim + ' [/INST]' }}\n"
        "    {% elif message['role'] == 'assistant' %}\n{{ message['content'] + eos_token }}{% endif %}\n{% endfor %}\n"
    ),
    "a date, tools and a namespace": (
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y')[-4:] %}{% endif %}\n"
        "{% set ns = namespace(first=true, count=0) %}\n{% for message in messages if message.role is string %}\n"
        "    {% set ns.count = ns.count + 1 %}\n    {% if ns.first %}Year {{ date_string }}{% set ns.first = false %}{% endif %}\n"
        "    {{ message | tojson }} {{ message.keys() | list }} {{ {'ü': [1, none, true]} | tojson(indent=2) }}\n"
        "{% endfor %}{{ ns.count }}{% if tools is not none %}tools{% endif %}"
    ),
    "macros, loop controls and blocks of the assistant": (
        "{% macro turn(role, text) %}<{{ role }}>{{ text | replace('\\n', ' ') | upper }}</{{ role }}>{% endmacro %}\n"
        "{% for word in messages[0]['content'].split(' ') %}\n  {% if loop.index > 2 %}{% break %}{% endif %}\n"
        "  {%- if not word %}{% continue %}{% endif %}{{ turn('u', word) }}\n{% endfor %}\n"
        "{% generation %}{{ '%s|%.2f' % ('é', 1 / 3) }}{% endgeneration %}{{ dict(a=1)['a'] }}{{ undefined_name }}"
    ),
    "content that is no text": (
        "{% for message in messages %}{% if message['content'] is string %}{{ message.content[::-1] }}"
        "{% else %}{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}{{ loop.last }}{% endfor %}\n\n"
    ),
}
