namespace HeteroQwen.Generation;

/// <summary>Which of a sequence's new tokens' logits are wanted.</summary>
public enum RowsWanted
{
    None,
    Last,
    All,
}

/// <summary>A sequence's part in a step: the tokens that follow its entries.</summary>
public readonly record struct StepItem(Sequence Sequence, ReadOnlyMemory<int> Tokens, RowsWanted Rows)
{
    internal int RowCount => Rows switch
    {
        RowsWanted.None => 0,
        RowsWanted.Last => 1,
        _ => Tokens.Length,
    };
}
