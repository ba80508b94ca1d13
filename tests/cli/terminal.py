#!/usr/bin/env python3
"""Runs a command in a terminal of so many columns and says what a user would see.

usage: terminal.py COLUMNS[,THEN] COMMAND...

The terminal is a pseudo-terminal, drawn as xterm would: a line that is too long goes on in
the next. With THEN it is resized to so many columns once progress is on the screen. Prints
what stays on the screen; `wrapped N` says how often a line was too long, `drew ...` which
parts the lines had that were drawn over. Exits with the command's code.
"""
import fcntl
import os
import pty
import re
import struct
import sys
import termios


class Screen:
    def __init__(self, columns):
        self.columns = columns
        self.lines = [[]]
        self.at = 0
        self.wrapped = 0
        self.overdrawn = set()

    def put(self, text):
        for part in re.findall(r'\x1b\[[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+|\x1b', text):
            if part == '\r':
                self.overdrawn.add(''.join(self.lines[-1]))
                self.at = 0
            elif part == '\n':
                self.lines.append([])
            elif part == '\x1b[K':
                del self.lines[-1][self.at:]
            elif not part.startswith('\x1b'):
                for c in part:
                    self.type(c)

    def type(self, c):
        if self.at >= self.columns:
            self.lines.append([])
            self.at = 0
            self.wrapped += 1
        line = self.lines[-1]
        line.extend(' ' * (self.at + 1 - len(line)))
        line[self.at] = c
        self.at += 1


def resize(file, columns):
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))


def main():
    columns, _, then = sys.argv[1].partition(',')
    screen = Screen(int(columns))
    ready, go = os.pipe()
    pid, file = pty.fork()
    if pid == 0:
        os.read(ready, 1)
        os.environ['TERM'] = 'xterm'
        os.execvp(sys.argv[2], sys.argv[2:])
    resize(file, screen.columns)
    os.write(go, b'.')
    data = b''
    while True:
        try:
            data += os.read(file, 65536)
        except OSError:  # the command has ended
            break
        text = data.decode(errors='ignore')
        # An escape sequence or a character may go on in what is read next.
        if re.search(r'\x1b(\[[0-9;]*)?$', text) or text.encode() != data:
            continue
        data = b''
        screen.put(text)
        if then and '%' in ''.join(screen.lines[-1]):
            screen.columns, then = int(then), ''
            resize(file, screen.columns)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for line in screen.lines:
        if line:
            print(''.join(line).rstrip())
    parts = {'a bar': r'\[#*-*\]', 'a rate': r'[0-9]/s', 'the time left': r'[0-9] left',
             'the end': r'ends [0-9 :-]*[0-9]{2}:[0-9]{2}$', 'percent': r'[0-9]%'}
    drew = [name for name, form in parts.items()
            if any(re.search(form, line) for line in screen.overdrawn)]
    print(f'wrapped {screen.wrapped}; drew {", ".join(drew) or "nothing"}')
    sys.exit(code)


main()
