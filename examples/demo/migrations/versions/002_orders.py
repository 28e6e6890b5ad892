"""orders"""

revision: str = "002_orders"
down_revision: str | None = "001_accounts"
