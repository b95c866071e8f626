// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Leaf, Node} from "../judge/Operands.sol";
import {Clock} from "./ChessClock.sol";

/// @title Disputes: from a wrong checkpoint to one floating-point sum
/// @notice A claim says: from this checkpoint, this program and these data give these checkpoints, step by step. Whoever doubts it
/// plays a game of their own: the claimant reveals nodes of its own commitments, the challenger names the first one that
/// differs from what it computed, until one element, or one block of its sum, is left for the judge. Naming a node concedes
/// everything before it; the judge therefore takes its inputs from the claimant's commitments before that place.
/// docs/verde.md has the game move by move. There is no owner and no upgrade.
interface IDisputes {
    /// @notice What a claim is about. Who relies on a claim compares the hash of these with their own.
    struct Terms {
        /// Merkle root of the program's slots, each `abi.encode(Slot)`.
        bytes32 program;
        /// Merkle root of what every step is given: `dataSlots` roots for step 0, then for step 1, ...
        bytes32 data;
        /// Checkpoint root before the first step.
        bytes32 initial;
        uint32 steps;
        uint32 slots;
        uint32 dataSlots;
    }

    enum Kind {
        /// A tensor of the checkpoint before the step.
        State,
        /// A tensor that the terms give to each step.
        Data,
        /// A tensor that is the same in every step.
        Fixed,
        /// An output of an operator.
        Output,
        /// The checkpoint root after the step; always the last slot.
        Compose
    }

    /// @notice One entry of a step's trace: a tensor, or at the end the checkpoint root.
    struct Slot {
        Kind kind;
        /// State: the leaf of the checkpoint's tree. Data: which of the step's data.
        uint32 place;
        /// State: leaves in the checkpoint's tree.
        uint32 count;
        /// State: what stands before the tensor root in the checkpoint's leaf. Fixed: the tensor root.
        bytes name;
        /// Output: the operator.
        Node node;
        /// Output, Compose: the slots of the inputs, all before this one.
        uint32[] inputs;
        /// Compose: as `name`, for each checkpoint leaf but the last; the last input is a leaf hash (the metadata).
        bytes[] names;
    }

    enum Phase {
        None,
        /// Descent of the tree of step roots.
        Steps,
        /// The claimant opens the step: root before and after, and the root of the step's trace.
        Step,
        /// Descent of the trace.
        Slots,
        /// The claimant opens the slot: what the program says about it and the tensor's root.
        Slot,
        /// Descent of the tensor.
        Leaves,
        /// The claimant opens the leaf.
        Leaf,
        /// The challenger names an element.
        Element,
        /// The claimant posts the accumulators of the element's fold.
        Fold,
        /// The challenger names a chunk.
        Chunk,
        /// Anyone shows the judge the operands, on the claimant's time.
        Judge,
        Over
    }

    struct Claim {
        address claimant;
        uint64 windowEnd;
        uint32 liveGames;
        bool lost;
        bool settled;
        uint96 bond;
        /// Moves of the challengers in games that are live (a challenge is one), and, once lost, in those not paid yet.
        uint32 moves;
        /// What is left of the challengers' reward once it is lost.
        uint96 pot;
        bytes32 terms;
        bytes32 root;
    }

    struct Game {
        uint256 claim;
        address challenger;
        uint96 bond;
        Clock clock;
        Phase phase;
        uint32 step;
        uint32 slot;
        /// The subtree under dispute: its leaves and its hash, and the hash of the frontier revealed of it (0 before).
        uint64 first;
        uint64 size;
        /// The challenger's moves so far, the challenge included: its part in the reward.
        uint32 moves;
        bytes32 node;
        bytes32 revealed;
        bytes32 before;
        bytes32 trace;
        bytes32 slotHash;
        uint32 length;
        uint32 element;
        uint32 value;
        bytes32 accumulators;
        uint32 chunk;
        uint32 chunks;
        uint32 accumulatorBefore;
        uint32 accumulatorAfter;
    }

    /// @notice A tensor's root, shown to be in the trace.
    struct Input {
        bytes32 root;
        bytes32[] proof;
    }

    /// @notice A leaf, shown to be in its input.
    struct Opening {
        Leaf leaf;
        bytes32[] proof;
    }

    event Claimed(
        uint256 indexed claim, address indexed claimant, bytes32 indexed terms, bytes32 root, uint64 windowEnd
    );
    event Challenged(uint256 indexed claim, uint256 indexed game, address indexed challenger);
    event Revealed(uint256 indexed game, bytes32[] nodes);
    event Picked(uint256 indexed game, Phase phase, uint64 first, uint64 size);
    event StepOpened(uint256 indexed game, bytes32 before, bytes32 afterwards, bytes32 trace);
    event SlotOpened(uint256 indexed game, uint32 slot, bytes32 tensor);
    event LeafOpened(uint256 indexed game, bytes data);
    event ElementPicked(uint256 indexed game, uint32 element, uint32 value);
    event FoldPosted(uint256 indexed game, uint32[] accumulators);
    event ChunkPicked(uint256 indexed game, uint32 chunk);
    /// @notice The judge found `got`; the claim said `claimed`.
    event Judged(uint256 indexed game, uint256 got, uint256 claimed);
    event GameOver(uint256 indexed claim, uint256 indexed game, bool claimantWon);
    event Settled(uint256 indexed claim, bool stands);

    error WrongBond(uint256 due);
    error BadTerms();
    /// @notice These are not the terms of the claim, or not the slot that was opened.
    error NotAsCommitted();
    error WindowClosed();
    error WindowOpen();
    error GamesLive();
    error AlreadyDecided();
    /// @notice This move does not belong to the phase of the game, or not to the sender.
    error NotYourMove();
    error StillInTime();
    /// @notice What was shown does not hash to what was committed.
    error DoesNotHash();
    error NothingToWithdraw();
    error PaymentFailed();

    /// @notice Claims that under `terms` the checkpoint roots after the steps have this Merkle root. Pays `claimBond(terms)`.
    function claim(Terms calldata terms, bytes32 root) external payable returns (uint256 id);

    /// @notice Opens a game against an undecided claim, within its window. Pays `challengeBond(terms)`. Beyond its budget the claimant
    /// has an extension for each game already live, up to a second budget: whoever plays the oldest game first has time for all.
    function challenge(uint256 id, Terms calldata terms) external payable returns (uint256 game);

    /// @notice Claimant: the nodes up to four levels below the disputed one.
    function reveal(uint256 id, bytes32[] calldata nodes) external;

    /// @notice Challenger: the first of the nodes just revealed that differs from its own.
    function pick(uint256 id, uint256 index, bytes32[] calldata nodes) external;

    /// @notice Claimant: checkpoint roots around the disputed step and the root of its trace, whose last slot is the root after it.
    function openStep(
        uint256 id,
        Terms calldata terms,
        bytes32 afterwards,
        bytes32 before,
        bytes32[] calldata beforeProof,
        bytes32 trace,
        bytes32[] calldata lastProof
    ) external;

    /// @notice Claimant: what the disputed slot is. A slot that is given, not computed, is shown to be what was given, which wins
    /// the game; an operator's output leads to its leaves.
    /// @param inputs State, Data: one, its proof in the checkpoint or the data. Compose: the inputs in the trace.
    function openSlot(
        uint256 id,
        Terms calldata terms,
        Slot calldata slot,
        bytes32[] calldata slotProof,
        bytes32 tensor,
        Input[] calldata inputs
    ) external;

    /// @notice Claimant: the disputed leaf's data.
    function openLeaf(uint256 id, bytes calldata data) external;

    /// @notice Challenger: the element of the leaf that differs.
    function pickElement(uint256 id, Slot calldata slot, uint32 offset, bytes calldata data) external;

    /// @notice Claimant: the accumulators after each chunk of the element's fold, which must give the element.
    function postFold(uint256 id, Slot calldata slot, uint32[] calldata accumulators) external;

    /// @notice Challenger: the first chunk that differs; any, when only their number does.
    function pickChunk(uint256 id, uint32 chunk, uint32[] calldata accumulators) external;

    /// @notice Anyone: the operands of the disputed element or chunk. Ends the game.
    function judge(
        uint256 id,
        Terms calldata terms,
        Slot calldata slot,
        Input[] calldata inputs,
        Opening[] calldata openings
    ) external;

    /// @notice Anyone: ends a game whose side to move has run out of time; that side loses.
    function timeout(uint256 id) external;

    /// @notice Anyone: ends a game whose claim another game has beaten. The challenger's bond goes back, with the share of the reward
    /// that its moves have in the moves of all challengers whose games were live when the claim was lost.
    function release(uint256 id) external;

    /// @notice Anyone: a claim whose window is over and which has won every game stands.
    function settle(uint256 id) external;

    /// @notice Pays out what the sender is owed.
    function withdraw() external;

    function stands(uint256 id) external view returns (bool);
    function claimOf(uint256 id) external view returns (Claim memory);
    function gameOf(uint256 id) external view returns (Game memory);
    function credit(address who) external view returns (uint256);
    /// @notice Half of each lost claim's bond: out of everyone's reach, so that a lie costs even one who beats himself.
    function burned() external view returns (uint256);
    /// @notice For each move of the longest game, and 20 for what ends it, MOVE_BOND.
    function challengeBond(Terms calldata terms) external view returns (uint256);
    function claimBond(Terms calldata terms) external view returns (uint256);
    /// @notice Leaves of a tensor that a game can lead into. A program with a larger output cannot be defended: do not claim under it.
    function MAX_LEAVES() external view returns (uint256);
    /// @notice Moves that a game under these terms can have at most.
    function maxMoves(Terms calldata terms) external pure returns (uint256);
    /// @notice Seconds after the claim by which it is decided, if someone calls what anyone may call.
    function maxSeconds(Terms calldata terms) external view returns (uint256);
}
