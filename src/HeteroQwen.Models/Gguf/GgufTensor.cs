using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Name">Its name there, such as <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Type">ggml's name of its type.</param>
/// <param name="Element">The type here; null where it is not supported.</param>
/// <param name="Dims">As the file has them: innermost first, the reverse of a shape here.</param>
/// <param name="Offset">Its first byte in the file.</param>
/// <param name="Length">Its bytes.</param>
public sealed record GgufTensor(string Name, string Type, ElementType? Element, ImmutableArray<long> Dims, long Offset, long Length);
