import _pydecimal


def main():
    with _pydecimal.localcontext() as context:
        context.prec = 60
        value = _pydecimal.Decimal(2)
        for _ in range(5):
            value = (value.sqrt() + value.ln().exp()) / 3
        try:
            _pydecimal.Decimal(1) / 0
        except ZeroDivisionError:
            pass
