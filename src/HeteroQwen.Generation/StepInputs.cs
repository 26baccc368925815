using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Generation;

/// <summary>Where a step's inputs go; empty where the plan does not read one.</summary>
internal ref struct StepInputs
{
    public Span<int> Tokens;
    public Span<int> Rows;
    public Span<int> WriteSlot;
    public Span<int> QSeq;
    public Span<int> QPos;
    public Span<int> QStart;
    public Span<int> KvStart;
    public Span<int> PageTable;
    public Span<int> KvSlot;
    public Span<int> KvSeq;
    public Span<int> KvPos;
    public Span<float> Cos;
    public Span<float> Sin;

    /// <summary>The staging memory of a session.</summary>
    public static StepInputs Of(Session session) => new()
    {
        Tokens = Input<int>(session, Qwen3Graph.Tokens),
        Rows = Input<int>(session, Qwen3Graph.Rows),
        WriteSlot = Input<int>(session, Qwen3Graph.WriteSlot),
        QSeq = Input<int>(session, AttentionIndex.Names[0]),
        QPos = Input<int>(session, AttentionIndex.Names[1]),
        QStart = Input<int>(session, AttentionIndex.Names[2]),
        KvStart = Input<int>(session, AttentionIndex.Names[3]),
        PageTable = Input<int>(session, AttentionIndex.Names[4]),
        KvSlot = Input<int>(session, AttentionIndex.Names[5]),
        KvSeq = Input<int>(session, AttentionIndex.Names[6]),
        KvPos = Input<int>(session, AttentionIndex.Names[7]),
        Cos = Input<float>(session, Qwen3Graph.Cos),
        Sin = Input<float>(session, Qwen3Graph.Sin),
    };

    private static Span<T> Input<T>(Session session, string name)
        where T : unmanaged => session.Reads(name) ? session.Input<T>(name) : [];
}
