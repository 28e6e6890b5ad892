"""accounts"""

revision: str = "001_accounts"
down_revision = None
