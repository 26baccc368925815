using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The KV pool as a graph sees it: each layer's K and V are states [S, Hkv, D].</summary>
/// <param name="Type">Element type of the states: f32, f16, bf16 or q8_0.</param>
/// <param name="Slots">S, a multiple of <paramref name="Page"/>, the scrap page included.</param>
/// <param name="Page">Entries of a page.</param>
/// <param name="Pages">P, the pages that one sequence may have.</param>
public sealed record KvLayout(ElementType Type, long Slots, long Page, long Pages);
