"""One thread for numerical libraries, where the last bit counts."""

import threading

import torch

from mining_the_mines.core.threads import one_thread


def test_one_thread_each() -> None:
    before, seen, meet = torch.get_num_threads(), [], threading.Barrier(3)
    torch.set_num_threads(2)  # who embeds this may have said so

    def ask() -> None:
        with one_thread():
            meet.wait()
            torch.ones(3) @ torch.ones(3)
            seen.append(torch.get_num_threads())

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1, 1, 1]
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
