// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {IJudge} from "../../src/judge/IJudge.sol";
import {Leaf, Operands} from "../../src/judge/Operands.sol";
import {T} from "../T.sol";
import {Trees} from "./Trees.sol";
import {World} from "./World.sol";

interface GameVm {
    function deal(address who, uint256 amount) external;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function getCode(string calldata artifact) external view returns (bytes memory);
}

/// @notice Both players, each playing as well as its numbers allow.
abstract contract Game is T {
    GameVm internal constant gvm = GameVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint32 internal constant WINDOW = 1 hours;
    uint32 internal constant BUDGET = 2 hours;
    uint32 internal constant EXTENSION = 10 minutes;

    address internal constant CLAIMANT = address(0xC1A1);
    address internal constant CHALLENGER = address(0xC4A1);
    address internal constant FRIEND = address(0xF41E);

    IDisputes internal disputes;
    IDisputes.Terms internal terms;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        address judge = vm.deployCode("Judge.sol:Judge");
        disputes = IDisputes(
            vm.deployCode(
                "Disputes.sol:Disputes", abi.encode(judge, WINDOW, BUDGET, EXTENSION, uint96(0.001 ether))
            )
        );
        terms = World.terms();
        gvm.deal(CLAIMANT, 100 ether);
        gvm.deal(CHALLENGER, 100 ether);
        gvm.deal(FRIEND, 100 ether);
    }

    function honest() internal pure returns (World.State memory) {
        return World.run(World.Lie(0, 0, 0, 0));
    }

    function claimed(bytes32 root) internal returns (uint256) {
        uint256 bond = disputes.claimBond(terms);
        gvm.prank(CLAIMANT);
        return disputes.claim{value: bond}(terms, root);
    }

    function challenged(uint256 id, address who) internal returns (uint256) {
        uint256 bond = disputes.challengeBond(terms);
        gvm.prank(who);
        return disputes.challenge{value: bond}(id, terms);
    }

    // ------------------------------------------------------------ the players

    /// @dev Plays to the end, or to where someone has no move; then the time runs out. `seed` 0: the challenger names what
    /// differs from its own; else whatever comes.
    function playOut(uint256 id, World.State memory mine, World.State memory theirs, uint256 seed) internal {
        for (uint256 moves; !over(id); ++moves) {
            yes(moves <= disputes.maxMoves(terms), "more moves than there can be");
            if (!step(id, mine, theirs, seed == 0 ? 0 : uint256(keccak256(abi.encode(seed, moves))))) {
                vm.warp(block.timestamp + 30 days);
                disputes.timeout(id);
            }
        }
    }

    function over(uint256 id) internal view returns (bool) {
        return disputes.gameOf(id).phase == IDisputes.Phase.Over;
    }

    /// @dev One move of whoever is to move; false when there is none that the contract takes.
    function step(uint256 id, World.State memory mine, World.State memory theirs, uint256 seed)
        internal
        returns (bool)
    {
        IDisputes.Game memory g = disputes.gameOf(id);
        if (g.clock.claimantToMove) return claimantMoves(id, g, mine);
        return challengerMoves(id, g, mine, theirs, seed);
    }

    function treeOf(IDisputes.Game memory g, World.State memory s) internal pure returns (bytes32[] memory) {
        if (g.phase == IDisputes.Phase.Steps) return s.stepLeaves;
        if (g.phase == IDisputes.Phase.Slots) return s.steps[g.step].leaves;
        return Trees.tensorLeaves(s.steps[g.step].tensors[g.slot]);
    }

    function claimantMoves(uint256 id, IDisputes.Game memory g, World.State memory mine)
        internal
        returns (bool)
    {
        World.Step memory place = mine.steps[g.step];
        IDisputes.Slot memory slot = World.slots()[g.slot];
        bytes memory move;
        if (
            g.phase == IDisputes.Phase.Steps || g.phase == IDisputes.Phase.Slots
                || g.phase == IDisputes.Phase.Leaves
        ) {
            move = abi.encodeCall(IDisputes.reveal, (id, Trees.frontier(treeOf(g, mine), g.first, g.size, 4)));
        } else if (g.phase == IDisputes.Phase.Step) {
            move = _openStep(id, g, mine, place);
        } else if (g.phase == IDisputes.Phase.Slot) {
            move = _openSlot(id, g, place, slot);
        } else if (g.phase == IDisputes.Phase.Leaf) {
            move = abi.encodeCall(IDisputes.openLeaf, (id, Trees.piece(place.tensors[g.slot], g.first)));
        } else if (g.phase == IDisputes.Phase.Fold) {
            move = abi.encodeCall(IDisputes.postFold, (id, slot, _fold(place, slot, g)));
        } else {
            move = _judge(id, place, slot);
        }
        return _send(disputes.claimOf(g.claim).claimant, move);
    }

    /// @dev A liar's sums have to come to what it claimed: it bends the last one by trial, and has no move if that fails.
    function _fold(World.Step memory place, IDisputes.Slot memory slot, IDisputes.Game memory g)
        private
        view
        returns (uint32[] memory list)
    {
        list = World.accumulators(place, slot, g.element);
        if (list.length == 1) list[0] = g.value;
        IJudge judge = IJudge(disputeJudge());
        if (judge.total(slot.node.op, list) == g.value) return list;
        for (uint256 i; i < list.length; ++i) {
            list[i] = 0;
        }
        list[0] = g.value;
    }

    function judgeOfDisputes() internal view returns (IJudge) {
        return IJudge(disputeJudge());
    }

    function disputeJudge() internal view returns (address judge) {
        (, bytes memory out) = address(disputes).staticcall(abi.encodeWithSignature("JUDGE()"));
        judge = abi.decode(out, (address));
    }

    function _openStep(uint256 id, IDisputes.Game memory g, World.State memory mine, World.Step memory place)
        private
        view
        returns (bytes memory)
    {
        bytes32[] memory beforeProof;
        if (g.step > 0) beforeProof = Trees.proof(mine.stepLeaves, g.step - 1);
        return abi.encodeCall(
            IDisputes.openStep,
            (
                id,
                terms,
                place.roots[World.LAST],
                place.before,
                beforeProof,
                Trees.root(place.leaves),
                Trees.proof(place.leaves, World.LAST)
            )
        );
    }

    function _openSlot(
        uint256 id,
        IDisputes.Game memory g,
        World.Step memory place,
        IDisputes.Slot memory slot
    ) private view returns (bytes memory) {
        IDisputes.Input[] memory inputs;
        if (slot.kind == IDisputes.Kind.Compose) {
            inputs = inputsOf(place, slot);
        } else {
            inputs = new IDisputes.Input[](1);
            if (slot.kind == IDisputes.Kind.State) {
                inputs[0].proof = new bytes32[](1);
                inputs[0].proof[0] = World.metadata(g.step);
            } else if (slot.kind == IDisputes.Kind.Data) {
                inputs[0].proof = Trees.proof(World.dataLeaves(), 2 * g.step + slot.place);
            }
        }
        bytes32[] memory proof = Trees.proof(World.slotLeaves(), g.slot);
        return abi.encodeCall(IDisputes.openSlot, (id, terms, slot, proof, place.roots[g.slot], inputs));
    }

    function inputsOf(World.Step memory place, IDisputes.Slot memory slot)
        internal
        pure
        returns (IDisputes.Input[] memory inputs)
    {
        inputs = new IDisputes.Input[](slot.inputs.length);
        for (uint256 i; i < inputs.length; ++i) {
            inputs[i] =
                IDisputes.Input(place.roots[slot.inputs[i]], Trees.proof(place.leaves, slot.inputs[i]));
        }
    }

    /// @dev Opens every leaf of every input: they are few here.
    function openingsOf(World.Step memory place, IDisputes.Slot memory slot)
        internal
        pure
        returns (IDisputes.Opening[] memory list)
    {
        uint256 count;
        list = new IDisputes.Opening[](16);
        for (uint256 i; i < slot.inputs.length; ++i) {
            bytes memory data = place.tensors[slot.inputs[i]];
            bytes32[] memory leaves = Trees.tensorLeaves(data);
            for (uint256 j; j < leaves.length; ++j) {
                list[count++] = IDisputes.Opening(
                    Leaf(uint32(i), uint32(j), Trees.piece(data, j)), Trees.proof(leaves, j)
                );
            }
        }
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    function _judge(uint256 id, World.Step memory place, IDisputes.Slot memory slot)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(
            IDisputes.judge, (id, terms, slot, inputsOf(place, slot), openingsOf(place, slot))
        );
    }

    function challengerMoves(
        uint256 id,
        IDisputes.Game memory g,
        World.State memory mine,
        World.State memory theirs,
        uint256 seed
    ) internal returns (bool) {
        IDisputes.Slot memory slot = World.slots()[g.slot];
        if (g.phase == IDisputes.Phase.Element) {
            return _pickElement(id, g, slot, mine.steps[g.step], theirs.steps[g.step], seed);
        }
        if (g.phase == IDisputes.Phase.Chunk) return _pickChunk(id, g, slot, mine, theirs, seed);
        bytes32[] memory said = Trees.frontier(treeOf(g, mine), g.first, g.size, 4);
        bytes32[] memory own = Trees.frontier(treeOf(g, theirs), g.first, g.size, 4);
        uint256 index = seed % said.length;
        if (seed == 0) while (index < said.length - 1 && said[index] == own[index]) ++index;
        return _send(g.challenger, abi.encodeCall(IDisputes.pick, (id, index, said)));
    }

    function _pickElement(
        uint256 id,
        IDisputes.Game memory g,
        IDisputes.Slot memory slot,
        World.Step memory mine,
        World.Step memory theirs,
        uint256 seed
    ) private returns (bool) {
        bytes memory said = Trees.piece(mine.tensors[g.slot], g.first);
        bytes memory own = Trees.piece(theirs.tensors[g.slot], g.first);
        uint256 offset = seed % (said.length / 4);
        if (seed == 0) {
            while (
                offset < said.length / 4 - 1 && Operands.wordIn(said, offset) == Operands.wordIn(own, offset)
            ) {
                ++offset;
            }
        }
        return _send(g.challenger, abi.encodeCall(IDisputes.pickElement, (id, slot, uint32(offset), said)));
    }

    function _pickChunk(
        uint256 id,
        IDisputes.Game memory g,
        IDisputes.Slot memory slot,
        World.State memory mine,
        World.State memory theirs,
        uint256 seed
    ) private returns (bool) {
        uint32[] memory said = _fold(mine.steps[g.step], slot, g);
        uint32[] memory own = World.accumulators(theirs.steps[g.step], slot, g.element);
        uint256 chunk = seed % said.length;
        if (seed == 0) while (chunk < said.length - 1 && said[chunk] == own[chunk]) ++chunk;
        return _send(g.challenger, abi.encodeCall(IDisputes.pickChunk, (id, uint32(chunk), said)));
    }

    function _send(address from, bytes memory move) internal returns (bool sent) {
        gvm.prank(from);
        (sent,) = address(disputes).call(move);
    }
}
